"""One file per stage: what each of its methods reads and does, and everything else specific to it."""
