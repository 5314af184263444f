"""What several domains share: partitions, metadata, plots, resources, column lineage, the console's logger.

Nothing here imports a domain.
"""
