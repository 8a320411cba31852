"""How results lie on disk: shards, their manifests and commits, fingerprints, checks."""
