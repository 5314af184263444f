"""The read-only copy that people and the explorer read."""
