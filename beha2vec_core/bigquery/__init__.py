"""With ``BEHA2VEC_WAREHOUSE=bigquery``: dbt builds the models where GA4's tables are.

What belongs here: `models` come to the local warehouse, `results` go back. What does not: reading the export
(`ga4.bigquery`). Never tried on the real service: docs/bigquery.md.
"""
