"""The core's catalogue as asset checks. One step an asset makes all of its checks: a step costs a third of a second."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from itertools import groupby
from operator import attrgetter

import dagster as dg
import duckdb

from beha2vec_core.quality.catalogue import CHECKS
from beha2vec_core.quality.check import Check, CheckOutcome, Look
from beha2vec_core.settings import ExportSettings
from beha2vec_core.store.warehouse import Connect, WarehouseBusyError
from beha2vec_dagster.lib.metadata import plain
from beha2vec_dagster.lib.partitions import range_of
from beha2vec_dagster.lib.resources import WarehouseResource

_SEVERITY = {"error": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}


def _checks_of(asset: str, checks: list[Check], settings: ExportSettings) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(check.name, asset=asset, description=check.description, blocking=check.blocking)
        for check in checks
    ]

    @dg.multi_asset_check(name=f"checks_of_{asset}", specs=specs, can_subset=True)
    def made(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> Iterator[dg.AssetCheckResult]:
        asked = {key.name for key in context.selected_asset_check_keys}
        with _opened_once(warehouse, f"checks of {asset}") as connect:
            look = Look(connect, *_days(context, connect, settings), settings)
            found = [_result(check, _made(check, look)) for check in checks if check.name in asked]
        yield from found

    return made


@contextmanager
def _opened_once(warehouse: WarehouseResource, purpose: str) -> Iterator[Connect]:
    """A `connect` that opens the warehouse once, at its first use: opening takes longer than most checks."""
    with ExitStack() as stack:
        opened: list[duckdb.DuckDBPyConnection] = []

        @contextmanager
        def connect(_: str) -> Iterator[duckdb.DuckDBPyConnection]:
            if not opened:
                opened.append(stack.enter_context(warehouse.connect(purpose)))
            yield opened[0]

        yield connect


def _days(context: dg.AssetCheckExecutionContext, connect: Connect, settings: ExportSettings) -> tuple[date, date]:
    """The days are the run's; of a run for no days, as of a check made by hand, the last day there is."""
    days = range_of(context.run.tags)
    if days is None:
        with connect("last day") as connection:
            ((found,),) = connection.execute(
                "select max(event_date) from raw.ga4_ingest_log where status in ('ingested', 'kept')"
            ).fetchall()
        days = (found or settings.export.start_date,) * 2
    return days


def _made(check: Check, look: Look) -> CheckOutcome:
    """What the check found; one that cannot be made has failed, and the others of the asset are still made."""
    try:
        return check.look(look)
    except (duckdb.Error, OSError, ValueError, WarehouseBusyError) as error:
        return CheckOutcome(False, message=f"the check could not be made: {error}")


def _result(check: Check, found: CheckOutcome) -> dg.AssetCheckResult:
    failed = None if found.passed else {"message": found.message or "see the figures", "remedy": check.remedy}
    return dg.AssetCheckResult(
        check_name=check.name,
        asset_key=check.asset,
        passed=found.passed,
        severity=_SEVERITY[check.severity],
        description=found.message or None,
        metadata=plain(found.figures) | (failed or {}),
    )


def build_checks(settings: ExportSettings) -> list[dg.AssetChecksDefinition]:
    """The checks of the core's catalogue, by asset."""
    by_asset = groupby(sorted(CHECKS, key=attrgetter("asset")), key=attrgetter("asset"))
    return [_checks_of(asset, list(checks), settings) for asset, checks in by_asset]
