"""What a worker does with one shard: sources, networks, batches, and the registry of stages."""
