"""The graph: ``definitions`` puts it together from ``defs``, a folder a domain; ``lib`` is what domains share.

``python -m beha2vec_dagster`` is what the command line starts. The science is in ``beha2vec_core``.
"""
