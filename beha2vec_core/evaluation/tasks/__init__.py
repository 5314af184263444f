"""What a method must do, one module a task: its docstring says population, label, metric and known traps.

`inputs` says what a method is given, `probe` and `partition` how vectors are read: what several tasks share.
"""

from typing import NamedTuple


class Column(NamedTuple):
    """A figure as tables show it."""

    title: str
    task: str
    metric: str


# what two methods are compared by; more is better
COMPARED = (
    Column("intent AUROC", "intent", "auroc"),
    Column("halves MRR", "retrieval", "mrr"),
    Column("next page recall@10", "next page", "recall@10"),
    Column("next page MRR@10", "next page", "mrr@10"),
    Column("next event MRR@10", "next event", "mrr@10"),
)
