"""Insights: sentences about clusters, written from facts by a language model or by a template.

What belongs here: ``schema`` (what an insight is), ``sheet`` (the facts of one cluster, ready to show or send),
``wording`` and ``names`` (words for metrics and groups), ``template`` (the narrator without a model), ``prompts``
(of the narrator with one), ``reading``, ``vocabulary`` and ``verify`` (no number that is not a fact, no claim that
the facts do not bear), ``write`` (which narrator writes which row).
What does not: how facts are computed (see ``profiles``), how an endpoint is asked (see ``llm``).
"""

from beha2vec_core.insights.schema import INSIGHTS_SCHEMA, ClusterComparison, ClusterInsight
from beha2vec_core.insights.write import write_insights
from beha2vec_core.llm import LlmSettings

__all__ = ["INSIGHTS_SCHEMA", "ClusterComparison", "ClusterInsight", "LlmSettings", "write_insights"]
