"""The science of Beha2Vec: from GA4 events to user embeddings, clusters and explanations.

Usable from a notebook without Dagster. Speaks Arrow, pandas and NumPy. What belongs here: reading exports,
pages, sequences, the encoder, clusters, profiles, insights, evaluation, the explorer and the command line.
What does not: Dagster (see ``beha2vec_dagster``) and SQL models (see ``dbt_ga4``).
"""
