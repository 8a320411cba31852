"""The networks and their weights, and the flow geometry they share; no files but weights are opened here."""
