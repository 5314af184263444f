"""The graph: assets, checks, resources, partitions, jobs and schedules.

Asset bodies are short; the science is in ``beha2vec_core``.
"""

import warnings

from dagster import BetaWarning

# backfill policies are marked beta; the pins in pyproject.toml keep them as they are
warnings.filterwarnings("ignore", category=BetaWarning)
