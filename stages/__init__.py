"""What each stage computes: pure functions, arrays in, arrays out."""
