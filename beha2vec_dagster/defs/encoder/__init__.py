"""The encoder: `assets` trains and embeds, `evaluation` judges; ``defs/promotion`` puts it in use.

`versions` is what these share: which encoder is in use, how to load one.
"""
