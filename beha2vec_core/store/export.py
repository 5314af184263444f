"""Write what is published to files for other tools: parquet, CSV for spreadsheets, load files for BigQuery.

It reads ``serving.duckdb`` only, so it never blocks the warehouse. All files are written to a folder beside their
final names first and renamed at the end: a killed export leaves the files of the last one.
"""

import json
import re
import shutil
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import duckdb
from filelock import FileLock, Timeout

from beha2vec_core.spreadsheets import FORMULA, UNRUN
from beha2vec_core.store.catalog import columns_of
from beha2vec_core.store.published import NotPublishedError, open_published
from beha2vec_core.store.sql import quote


class ExportError(RuntimeError):
    """Nothing was written; the message names the remedy."""


class What(StrEnum):
    """What can be exported."""

    USER_VECTORS = "user_vectors"
    USER_CLUSTERS = "user_clusters"
    USER_PREDICTIONS = "user_predictions"
    AUDIENCE_MEMBERS = "audience_members"
    CLUSTER_PROFILES = "cluster_profiles"
    CLUSTER_INSIGHTS = "cluster_insights"


class Format(StrEnum):
    """How it is written."""

    PARQUET = "parquet"
    CSV = "csv"
    BIGQUERY = "bigquery"


class Written(NamedTuple):
    """A table that was exported."""

    what: What
    rows: int
    path: Path


# Columns by name: what a release adds to a view does not change the files of those who load them every night.
# {devices}: GA4's device ids of each user, see `_devices`.
_QUERIES = {
    What.USER_VECTORS: """
        select user_key, property_id, user_pseudo_id, event_date, as_of, model_version, n_events, low_evidence,
            behavior, identity, is_ads_consented
        from beha2vec.user_embeddings_current left join ({devices}) using (user_key)
        order by user_key, property_id, user_pseudo_id""",
    What.USER_CLUSTERS: """
        select user_key, property_id, user_pseudo_id, event_date, model_version, cluster_model_version, cluster_key,
            name as cluster_name, distance, margin, is_ads_consented, likely_cluster, probability
        from beha2vec.user_clusters_current left join ({devices}) using (user_key)
        left join beha2vec.cluster_insights using (cluster_key)
        order by user_key, property_id, user_pseudo_id""",
    What.USER_PREDICTIONS: """
        select user_key, property_id, user_pseudo_id, event_date, as_of, target, horizon, probability, low, high,
            decile, value, method, reasons, prediction_version, is_ads_consented
        from beha2vec.user_predictions_current left join ({devices}) using (user_key, property_id)
        order by user_key, property_id, user_pseudo_id, target, horizon""",
    What.AUDIENCE_MEMBERS: """
        select user_key, property_id, user_pseudo_id, event_date, audience, state, step, why, is_ads_consented
        from beha2vec.audience_members_current left join ({devices}) using (user_key, property_id)
        order by audience, user_key, property_id, user_pseudo_id""",
    What.CLUSTER_PROFILES: """
        select cluster_key, fact_id, metric, feature, value, population_value, lift, z, interval_low, interval_high,
            support, unit, effect_size, q_value, significant
        from beha2vec.cluster_profiles order by cluster_key, fact_id""",
    What.CLUSTER_INSIGHTS: """
        select cluster_key, name, summary, persona, evidence, actions, similarities, key_differences, written_by
        from beha2vec.cluster_insights order by cluster_key""",
}
# A person with several devices has several rows: a receiver joins by device.
_DEVICES = "select distinct user_key, property_id, user_pseudo_id, is_ads_consented from ga4.int_ga4__identity_map"
_NO_DEVICES = """
    select null::varchar as user_key, null::varchar as property_id, null::varchar as user_pseudo_id,
        null::boolean as is_ads_consented
    where false"""
_SUFFIXES = {Format.PARQUET: ".parquet", Format.CSV: ".csv", Format.BIGQUERY: ".json.gz"}
_COPY_OPTIONS = {
    Format.PARQUET: "format parquet, compression zstd",
    Format.CSV: "format csv, header",
    Format.BIGQUERY: "format json, compression gzip",
}
_BIGQUERY_TYPES = {
    "VARCHAR": "STRING",
    "BIGINT": "INT64",
    "INTEGER": "INT64",
    "FLOAT": "FLOAT64",
    "DOUBLE": "FLOAT64",
    "BOOLEAN": "BOOL",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",  # ours are UTC, as BigQuery takes a time without a zone
}
_NUMBER_LISTS = ("FLOAT[]", "DOUBLE[]")
_LOAD_SCRIPT = "load.sh"

# A project, a dataset: nothing that a shell or BigQuery would read as more than a name.
_DATASET = re.compile(r"([a-z][a-z0-9-]{4,28}[a-z0-9])\.([A-Za-z0-9_]{1,1024})")


def parse_dataset(text: str) -> tuple[str, str]:
    """Project and dataset of ``project.dataset``.

    Raises:
        ValueError: it is no such name.
    """
    found = _DATASET.fullmatch(text)
    if not found:
        raise ValueError(
            f"{text!r} is not a BigQuery dataset; give it as project.dataset: a project id of 6 to 30 small letters, "
            "digits and hyphens, a dataset of letters, digits and underscores"
        )
    return found[1], found[2]


def export(
    serving: Path, out: Path, form: Format, what: Collection[What] = tuple(What), dataset: str | None = None
) -> list[Written]:
    """Write the chosen tables to ``out``, over those of an earlier export.

    Args:
        serving: the published database.
        out: folder, made where there is none.
        form: parquet and BigQuery keep vectors as lists; CSV has a column a dimension (``behavior_0``, ...), lists of
            words as JSON, and an apostrophe before text that a spreadsheet would run as a formula.
        dataset: ``project.dataset`` that ``load.sh`` loads into; for BigQuery only.

    Raises:
        ExportError: the published database does not exist, or another export writes to the folder.
        ValueError: the dataset is missing or no dataset.
    """
    target = parse_dataset(dataset or "") if form is Format.BIGQUERY else None
    if not serving.exists():
        raise ExportError(f"{serving} does not exist: materialize serving_database")
    out.mkdir(parents=True, exist_ok=True)
    staging = out / ".export"
    lock = FileLock(out / ".export.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ExportError(f"another export writes to {out}: wait for it, or give another folder") from None
    try:
        shutil.rmtree(staging, ignore_errors=True)  # of a killed export
        staging.mkdir()
        written = _write_all(serving, staging, form, [choice for choice in What if choice in what])
        if target:
            _write_script(staging / _LOAD_SCRIPT, [table.what for table in written], *target)
        for file in sorted(staging.iterdir()):
            file.replace(out / file.name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        lock.release()
    return [table._replace(path=out / table.path.name) for table in written]


def _write_all(serving: Path, folder: Path, form: Format, chosen: list[What]) -> list[Written]:
    """All tables by one connection: it keeps the file it opened, whatever is published meanwhile."""
    try:
        with open_published(serving, written=folder) as connection:
            written = [_write(connection, what, folder, form) for what in chosen]
    except duckdb.CatalogException as error:
        raise ExportError(
            f"{serving.name} lacks a table to export ({error}): materialize serving_database again"
        ) from error
    except (NotPublishedError, duckdb.IOException) as error:
        raise ExportError(
            f"{serving.name} cannot be read, or {folder} not written: {error}. See beha2vec doctor for both"
        ) from error
    if not any(table.rows for table in written):
        raise ExportError(f"{serving.name} has no rows of these tables yet: run beha2vec materialize first")
    return written


def _write(connection: duckdb.DuckDBPyConnection, what: What, folder: Path, form: Format) -> Written:
    query = _QUERIES[what].format(devices=_devices(connection))
    described = connection.execute(f"describe {query}").fetchall()
    columns = {str(name): str(kind) for name, kind, *_ in described}
    selected = ", ".join(_column(connection, query, name, kind, form) for name, kind in columns.items())
    path = folder / f"{what}{_SUFFIXES[form]}"
    ((rows,),) = connection.execute(
        f"copy (select {selected} from ({query})) to {quote(path)} ({_COPY_OPTIONS[form]})"
    ).fetchall()
    if form is Format.BIGQUERY:
        schema = json.dumps([_field(name, kind) for name, kind in columns.items()], indent=2)
        (folder / f"{what}.schema.json").write_text(schema + "\n", encoding="utf-8")
    return Written(what, int(rows), path)


def _devices(connection: duckdb.DuckDBPyConnection) -> str:
    """The device ids of each user and their consent to ads, as SQL; no rows where none are published."""
    return _DEVICES if "user_pseudo_id" in columns_of(connection, "ga4.int_ga4__identity_map") else _NO_DEVICES


def _unrun(text: str) -> str:
    """Text without formulas, as SQL."""
    return f"regexp_replace({text}, {quote(FORMULA)}, {quote(UNRUN)}, 'g')"


def _column(connection: duckdb.DuckDBPyConnection, query: str, name: str, kind: str, form: Format) -> str:
    """The column, or columns, that a format has of one; as SQL."""
    if form is Format.CSV and kind in _NUMBER_LISTS:
        ((size,),) = connection.execute(f"select coalesce(max(len({name})), 0) from ({query})").fetchall()
        return ", ".join(f"{name}[{place + 1}] as {name}_{place}" for place in range(size)) or f"null as {name}_0"
    if form is Format.CSV and kind.endswith("[]"):
        return f"{_unrun(f'to_json({name})::varchar')} as {name}"
    if form is Format.CSV and kind == "VARCHAR":
        return f"{_unrun(name)} as {name}"
    if form is Format.BIGQUERY and kind.endswith("[]"):
        return f"coalesce({name}, []) as {name}"  # a repeated field is empty, never null
    if form is Format.BIGQUERY and kind in ("FLOAT", "DOUBLE"):
        return f"case when isfinite({name}) then {name} end as {name}"  # JSON knows no other numbers
    return name


def _field(name: str, kind: str) -> dict[str, str]:
    mode = "REPEATED" if kind.endswith("[]") else "NULLABLE"
    return {"name": name, "type": _BIGQUERY_TYPES[kind.removesuffix("[]")], "mode": mode}


def _write_script(path: Path, chosen: list[What], project: str, dataset: str) -> None:
    lines = ["#!/bin/sh", "# Loads the files beside it into BigQuery; each table is replaced whole.", "set -eu"]
    lines += ['cd "$(dirname "$0")"', *load_commands(chosen, project, dataset)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o755)


def load_commands(chosen: Collection[What], project: str, dataset: str) -> list[str]:
    """The commands that load an export, for the folder it is in."""
    return [
        f"bq --project_id={project} load --replace --source_format=NEWLINE_DELIMITED_JSON "
        f"{project}:{dataset}.{what} {what}.json.gz {what}.schema.json"
        for what in chosen
    ]
