"""Training of the light networks: batches from scenes, losses, the loop, and checkpoints."""
