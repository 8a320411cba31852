"""The format of results on disk: shards, their manifests and commits, fingerprints, checks."""
