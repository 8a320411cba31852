"""One file a stage: what each of its methods reads and does, and everything else that is particular to it."""
