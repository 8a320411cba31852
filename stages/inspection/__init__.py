"""What only people look at: error maps, and what else a piece could match."""
