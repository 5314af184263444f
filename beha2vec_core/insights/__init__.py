"""Insights: sentences about clusters, written from facts by a language model or by a template.

What belongs here: ``schema`` (what an insight is, and what a model answers), ``sheet`` (the facts of one cluster,
ready to show or send), ``wording`` and ``names`` (words for metrics and groups), ``template`` (the sentences),
``prompts`` and ``narrator`` (asking a model which facts matter), ``check`` (no claim that the facts do not support),
``write`` (the rows).
What does not: how facts are computed (see ``profiles``), how an endpoint is asked (see ``llm``).
"""

from beha2vec_core.insights.schema import ClusterComparison, ClusterInsight
from beha2vec_core.insights.write import write_insights
from beha2vec_core.llm import LlmSettings

__all__ = ["ClusterComparison", "ClusterInsight", "LlmSettings", "write_insights"]
