"""Clusters, who is in them and their facts; `models` reads and writes cluster models, for the promotion too."""
