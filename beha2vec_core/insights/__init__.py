"""Insights: sentences about clusters, written from facts by a language model or by a template.

What belongs here: ``schema`` (what an insight is), ``sheet`` (the facts of one cluster, ready to show or send),
``wording`` and ``names`` (words for metrics and groups), ``template`` (the narrator without a model), ``prompts`` and
``llm`` (the narrator with one), ``verify`` (no number that is not a fact), ``write`` (which narrator writes which row).
What does not: how facts are computed (see ``profiles``).
"""

from beha2vec_core.insights.llm import LlmSettings
from beha2vec_core.insights.schema import INSIGHTS_SCHEMA, ClusterComparison, ClusterInsight
from beha2vec_core.insights.write import write_insights

__all__ = ["INSIGHTS_SCHEMA", "ClusterComparison", "ClusterInsight", "LlmSettings", "write_insights"]
