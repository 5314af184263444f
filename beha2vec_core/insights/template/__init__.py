"""The narrator without a language model: the same facts give the same sentences, and it says that it is a template.

It writes drafts, as a language model does: placeholders for the numbers, which pass the same check. Limits of length
are for models: what the template writes grows with the clusters, and is always written. ``sentences`` describes one
cluster, ``advice`` says what its facts ask for, ``comparison`` compares all clusters, ``clauses`` words a fact.
"""

from beha2vec_core.insights.template.clauses import WRITTEN_BY
from beha2vec_core.insights.template.comparison import clusters_alike, compare
from beha2vec_core.insights.template.sentences import TOO_LITTLE_NAME, describe, describe_only

__all__ = ["TOO_LITTLE_NAME", "WRITTEN_BY", "clusters_alike", "compare", "describe", "describe_only"]
