"""Videos and image sequences, in and out."""
