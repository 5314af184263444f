"""The science of Beha2Vec: from GA4 events to user embeddings, clusters and explanations.

Usable from a notebook without Dagster. Speaks Arrow, pandas and NumPy. What belongs here: reading exports,
pages, sequences, the encoder, clusters, profiles, insights, evaluation, the explorer and the command line.
What does not: Dagster (see ``beha2vec_dagster``) and SQL models (see ``dbt_ga4``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
    from beha2vec_core.encoder.encoder import BehaviorEncoder

__all__ = ["BehaviorEncoder", "EncoderConfig", "TrainConfig"]


def __getattr__(name: str) -> Any:
    """Import the encoder when it is first asked for, so that ``import beha2vec_core`` does not import torch."""
    if name == "BehaviorEncoder":
        from beha2vec_core.encoder.encoder import BehaviorEncoder

        return BehaviorEncoder
    if name in ("EncoderConfig", "TrainConfig"):
        from beha2vec_core.encoder import config

        return getattr(config, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
