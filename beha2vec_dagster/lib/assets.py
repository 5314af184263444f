"""How our assets are declared."""

from collections.abc import Callable
from typing import Any

import dagster as dg


def asset(**options: Any) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """`dg.asset` that makes all days asked for in one run: each start of a run takes seconds."""
    single_run = dg.BackfillPolicy.single_run()
    decorate: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(backfill_policy=single_run, **options)
    return decorate
