"""Reads, compares, scores and cleans what the cache holds."""
