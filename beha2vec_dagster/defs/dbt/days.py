"""Which days of the incremental models a run builds, and in which dbt calls."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from beha2vec_core.bigquery.models import require_one_warehouse
from beha2vec_core.estimate import chunk_events
from beha2vec_core.progress import ProgressBar
from beha2vec_core.store import chunks
from beha2vec_core.store.tables import full_refresh_done, require_full_refresh
from beha2vec_core.words import counted
from beha2vec_dagster.defs.dbt.build import DbtBuild, days_variables
from beha2vec_dagster.defs.dbt.project import in_bigquery, project_files, variables
from beha2vec_dagster.lib.partitions import range_of

INCREMENTAL_ASSET = "dbt_incremental_models"
_PURPOSE = "dbt chunks"


def build_days(of_run: DbtBuild) -> Iterator[Any]:
    """Build the run's days, or with a full refresh all days that have raw partitions, in one dbt call or in chunks.

    A stopped build of the same days continues after its last finished chunk. Days that a stopped call has built in
    some of the models are built too. The data tests run in the last call, for the days of all.
    """
    context, settings, warehouse = of_run.context, of_run.settings, of_run.warehouse
    require_one_warehouse(settings)
    asked = range_of(context.run.tags)
    if in_bigquery(settings):  # which has no use for chunks
        yield from of_run.whole(days_variables(asked))
        return
    raw = chunks.raw_days(settings.storage.raw_path)
    span = (min(raw), max(raw)) if of_run.full_refresh and raw else asked
    days = chunks.days_between(*span) if span else []
    build = _identity(of_run, days, raw if of_run.full_refresh else {})
    with warehouse.connect(_PURPOSE) as connection:
        finished = chunks.begin_build(connection, build, raw)
        known = {key.to_python_identifier() for key in context.assets_def.keys}
        chunks.forget_days_begun(connection, known, settings.first_kept_day("raw", datetime.now(UTC)))
        begun = chunks.days_left_begun(connection, of_run.models) if days else []
    others = [day for day in begun if day not in days]
    if others:
        context.log.info(
            f"{counted(len(others), 'day')} ({chunks.day_ranges(others)}) are built too: "
            "a run that was stopped has built them in some of the models only"
        )
    days = sorted([*days, *others])
    done = {day for chunk in finished for day in chunk.days} & {*days} - {*begun}
    left = [day for day in days if day not in done] or days
    calls = chunks.split_days(left, raw, chunk_events(settings, days, raw), settings.storage.dbt_chunk_days)
    last_call = of_run._replace(full_refresh=False, other_days=chunks.day_ranges(others))
    # a run of the data tests alone builds nothing
    if (len(calls) <= 1 and not done) or not context.selected_asset_keys:
        of_call = days_variables(calls[0] if others and not of_run.full_refresh else asked)
        yield from last_call._replace(full_refresh=of_run.full_refresh).whole(of_call, days)
        return
    context.log.info(
        f"{counted(len(days), 'day')} in {counted(len(calls), 'dbt call')}"
        + (f"; a build that was stopped has finished {counted(len(done), 'day')} of them" if done else "")
    )
    asked_here = False
    if of_run.full_refresh:
        # from the first call on the tables lack days: if this run is stopped, the next one has to go on
        with warehouse.connect(_PURPOSE) as connection:
            asked_here = require_full_refresh(connection, INCREMENTAL_ASSET, "a rebuild of all days was stopped")
    bar = ProgressBar(title="dbt", unit="call", total=len(calls), has_bar=False)
    for number, chunk in enumerate(calls[:-1], 1):
        state = chunks.chunk_state(chunk, raw)
        of_run.part(chunk, is_first=number == 1 and not done)
        with warehouse.connect(_PURPOSE) as connection:
            chunks.chunk_done(connection, build, chunk, state)
        context.log.info(f"{chunk.first} to {chunk.last} ({number}/{len(calls)} dbt calls)")
        bar.update()
    bar.close()
    last = days_variables(calls[-1]) | {"GA4_TEST_MIN_DATE": str(days[0])}
    built = set()
    try:
        for event in last_call.whole(last, calls[-1].days):
            built |= {event.output_name} if isinstance(event, dg.Output) else set()
            yield event
    finally:  # a data test that fails leaves no day to be built again
        if of_run.models <= built:
            with warehouse.connect(_PURPOSE) as connection:
                chunks.build_done(connection, build)
                if asked_here:
                    full_refresh_done(connection, INCREMENTAL_ASSET)


def _identity(of_run: DbtBuild, days: Sequence[date], raw: Mapping[date, chunks.RawDay]) -> chunks.Build:
    """What this build is made of. A full refresh also follows all raw partitions: its first call reads them."""
    models = chunks.text_hash([variables(of_run.settings), [path.read_text() for path in project_files()]])
    selected = sorted(key.to_user_string() for key in of_run.context.selected_asset_keys)
    states = [day.state for day in raw.values()]
    key = chunks.text_hash([models, selected, days[:1], days[-1:], states, of_run.full_refresh])
    return chunks.Build(models, key, of_run.full_refresh)
