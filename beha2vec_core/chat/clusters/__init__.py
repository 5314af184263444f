"""Questions about clusters, and the answers from clusters, facts, paths and predictions."""
