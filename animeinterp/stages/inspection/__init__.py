"""For viewing only: error maps, and the candidates of a piece."""
