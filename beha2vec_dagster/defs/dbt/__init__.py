"""The models of the dbt project `dbt_ga4` as assets; their dbt tests are their checks."""
