"""The graph: assets, checks, resources, partitions, jobs and schedules. Asset bodies are short; the science is in beha2vec_core."""
