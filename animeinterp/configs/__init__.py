"""The settings: one typed section per stage, the presets, and the errors every package shares."""
