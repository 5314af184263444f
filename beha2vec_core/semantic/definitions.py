"""What questions can be about: tables, metrics and dimensions, each an entry in the module of its kind.

SQL is DuckDB's, over the aliases of `TABLES` and `JOINS`.
"""

from beha2vec_core.semantic.dimensions import DIMENSIONS, SOURCES, Dimension
from beha2vec_core.semantic.measure import Measure, Metric
from beha2vec_core.semantic.metrics import CHARGES, METRICS, OF_STEPS, PEOPLE_COUNTED
from beha2vec_core.semantic.tables import JOINS, OF_CARTS, RETENTION_DAYS, STEPS, TABLES, Table

__all__ = [
    "CHARGES", "DIMENSIONS", "JOINS", "METRICS", "OF_CARTS", "OF_STEPS", "PEOPLE_COUNTED", "RETENTION_DAYS", "SOURCES",
    "STEPS", "TABLES", "Dimension", "Measure", "Metric", "Table",
]  # fmt: skip
