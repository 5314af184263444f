"""The graph: ``definitions`` puts it together from ``defs``, a folder a domain; ``lib`` is what domains share.

``materialize`` is what the command line starts. The science is in ``beha2vec_core``.
"""

import warnings

from dagster import BetaWarning

# backfill policies are marked beta; the pins in pyproject.toml keep them as they are
warnings.filterwarnings("ignore", category=BetaWarning)
