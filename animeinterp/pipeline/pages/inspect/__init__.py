"""Pages that show every stage of one pair."""
