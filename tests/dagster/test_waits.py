"""How long an asset waited for the warehouse, and for whom, is in its metadata."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from beha2vec_core.store import warehouse as door
from beha2vec_core.store.warehouse import Warehouse
from beha2vec_dagster.lib.resources import WarehouseResource


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.duckdb"


@pytest.fixture
def hold(path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets another thread hold the warehouse for a purpose until somebody waits for it."""
    monkeypatch.setattr(door, "_FIRST_REPORT_SECONDS", 0.05)
    waits = threading.Event()
    monkeypatch.setattr(logging.getLogger("beha2vec.warehouse"), "warning", lambda *_: waits.set())

    def hold(purpose: str) -> None:
        held = threading.Event()

        def run() -> None:
            with Warehouse(path).exclusive(purpose):
                held.set()
                assert waits.wait(30)

        waits.clear()
        threading.Thread(target=run).start()
        assert held.wait(30)

    return hold


def test_assets_that_waited_show_how_long_and_for_whom(path: Path, hold: Callable[[str], None]) -> None:
    @dg.multi_asset(outs={"a": dg.AssetOut(), "b": dg.AssetOut()})
    def both(warehouse: WarehouseResource) -> tuple[int, int]:
        for purpose in ("a load", "a backup"):
            hold(purpose)
            with warehouse.connect("both"):
                pass
        return 1, 2

    @dg.asset
    def alone(warehouse: WarehouseResource) -> None:
        with warehouse.connect("alone"):
            pass

    resource = WarehouseResource(database=str(path), lock_timeout_seconds=30)
    done = dg.materialize([both, alone], resources={"warehouse": resource})
    events = done.get_asset_materialization_events()
    found = {event.materialization.asset_key.to_user_string(): event.materialization.metadata for event in events}
    for name in "ab":
        assert float(found[name]["waited_for_warehouse_s"].value) >= 0.1, "both waits"  # type: ignore[arg-type]
        assert "(a backup, since " in str(found[name]["waited_for"].value)
    assert "waited_for" not in found["alone"]


def test_an_error_while_a_wait_is_shown_releases_the_lock(path: Path, hold: Callable[[str], None]) -> None:
    def fail(seconds: float, holder: str) -> None:
        raise ZeroDivisionError

    hold("a load")
    warehouse = Warehouse(path, 30, on_wait=fail)
    with pytest.raises(ZeroDivisionError), warehouse.connect("me"):
        pass
    assert warehouse.is_free()
