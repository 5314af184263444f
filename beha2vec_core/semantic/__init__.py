"""Metrics and dimensions over the GA4 marts and our results, and the SQL of a question about them.

`definitions` has one entry per metric and dimension, `query` is the typed question, `compiler` makes one SQL statement
of it, `layer` runs that on the published database. Words of people become queries in `beha2vec_core.chat.reading`.
"""
