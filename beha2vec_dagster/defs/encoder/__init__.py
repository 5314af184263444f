"""The encoder: `assets` trains and embeds, `evaluation` judges, `promotion` puts it in use, `checks` has its gate.

`versions` is what these share: which encoder is in use, how to load one.
"""
