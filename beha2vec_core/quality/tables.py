"""What each table of ours must satisfy, declared once: its columns (those of `tables`), its key, what is never null.

Three checks of each asset follow from it. They read the run's days and the versions that readers see, so that a night
costs as much as its days, however long the history is.
"""

from dataclasses import dataclass
from functools import cache

import duckdb

from beha2vec_core.quality.check import Check, CheckOutcome, Look
from beha2vec_core.store import limits
from beha2vec_core.store.tables import create_tables
from beha2vec_core.words import counted

_SAMPLES = 5
# the encoder whose vectors the graph writes: the one readers see, before the first is clustered the newest
ENCODER_IN_USE = """(select model_version from (
    select model_version, 1 as place from beha2vec.encoder_current
    union all select model_version, 2 from beha2vec.encoder_newest) order by place limit 1)"""
_CLUSTER_MODELS_IN_USE = """cluster_model_version in (
    select cluster_model_version from beha2vec.cluster_model_current
    union select cluster_model_version from beha2vec.cluster_model_newest)"""


@dataclass(frozen=True)
class Expectation:
    """What a table must satisfy.

    asset: the asset that writes it. key: columns that name a row. required: further columns that are never null.
    required_where: columns that are never null where a condition holds. nullable_key: the key may hold a null, once.
    daily: only the run's days are read. scope: a condition on rows. blocking: readers would be harmed by what follows.
    """

    table: str
    asset: str
    key: tuple[str, ...]
    required: tuple[str, ...] = ()
    required_where: tuple[tuple[str, str], ...] = ()
    nullable_key: bool = False
    daily: bool = False
    scope: str = "true"
    blocking: bool = False

    @property
    def never_null(self) -> tuple[str, ...]:
        """The columns in which a null is an error."""
        return self.required if self.nullable_key else (*self.key, *self.required)


EXPECTATIONS = (
    Expectation(
        "raw.ga4_ingest_log", "raw_ga4_events", ("property_id", "event_date"),
        ("status", "rows_in", "accepted", "quarantined", "users", "ingested_at"), daily=True,
    ),
    Expectation(
        "beha2vec.enriched_pages", "enriched_pages", ("page_key",),
        ("theme", "theme_confidence", "theme_method", "page_type", "page_type_confidence", "page_type_method"),
    ),
    Expectation(
        "beha2vec.encoders", "encoder_candidate", ("model_version",),
        ("config", "train_config", "data_window", "training_curve", "trained_at"),
    ),
    Expectation(
        "beha2vec.encoder_evaluation", "encoder_evaluation", ("model_version", "method", "task", "metric"),
        scope="model_version = (select model_version from beha2vec.encoder_newest)",
    ),
    Expectation(
        "beha2vec.user_embeddings", "user_embeddings", ("event_date", "model_version", "user_key"),
        ("as_of", "n_events", "low_evidence", "behavior", "identity"), daily=True,
        scope=f"model_version = {ENCODER_IN_USE}", blocking=True,
    ),
    Expectation(
        "beha2vec.cluster_models", "cluster_model", ("cluster_model_version",),
        ("model_version", "k", "users", "curve", "fitted_at"),
    ),
    Expectation(
        "beha2vec.cluster_lineage", "cluster_model", ("cluster_model_version", "cluster_key"),
        ("change", "users", "shared_users"),
    ),
    Expectation(
        "beha2vec.user_clusters", "user_clusters", ("event_date", "cluster_model_version", "user_key"),
        ("model_version", "cluster_key"),
        # users in no cluster (too little is known of them) have no distance to one
        required_where=(("distance", "cluster_key >= 0"), ("margin", "cluster_key >= 0")),
        daily=True, scope=_CLUSTER_MODELS_IN_USE, blocking=True,
    ),
    Expectation(
        "beha2vec.cluster_members", "cluster_members", ("cluster_key", "role", "rank"),
        ("user_key", "distance", "margin"), required_where=(("other_key", "role = 'edge'"),),
    ),
    Expectation(
        "beha2vec.cluster_profiles", "cluster_profiles", ("cluster_key", "fact_id"), ("metric", "support", "unit")
    ),
    Expectation("beha2vec.prediction_examples", "prediction_examples", ("as_of", "property_id", "user_key")),
    Expectation(
        "beha2vec.prediction_models", "prediction_candidate", ("prediction_version",),
        ("fitted_as_of", "targets", "horizons", "methods", "fitted_at"),
    ),
    Expectation(
        "beha2vec.prediction_evaluation", "prediction_evaluation",
        ("prediction_version", "target", "horizon", "method", "metric"), ("value", "n"),
        scope="prediction_version = (select prediction_version from beha2vec.prediction_model_newest)",
    ),
    Expectation(
        "beha2vec.prediction_curves", "prediction_evaluation",
        ("prediction_version", "target", "horizon", "decile"), ("predicted", "observed", "users"),
        scope="prediction_version = (select prediction_version from beha2vec.prediction_model_newest)",
    ),
    Expectation(
        "beha2vec.user_predictions", "user_predictions",
        ("event_date", "prediction_version", "property_id", "user_key", "target", "horizon"),
        ("as_of", "probability", "low", "high", "decile", "method"), daily=True,
        scope="prediction_version = (select prediction_version from beha2vec.prediction_model_current)",
    ),
    Expectation(
        "beha2vec.audience_members", "audience_members", ("event_date", "audience", "property_id", "user_key"),
        ("state",), daily=True,
    ),
    # a user's first day comes from no cluster
    Expectation(
        "beha2vec.cluster_transitions", "cluster_profiles", ("from_cluster", "to_cluster"),
        ("to_cluster", "users", "share", "interval_low", "interval_high"), nullable_key=True,
    ),
    Expectation(
        "beha2vec.cluster_paths", "cluster_profiles", ("cluster_key", "from_step", "to_step"),
        ("users", "share", "population_share"),
    ),
    Expectation(
        "beha2vec.buying_paths", "cluster_profiles", ("kind", "feature"),
        ("movers", "movers_share", "matched_share", "support"),
    ),
    Expectation(
        "beha2vec.highlights", "highlights", ("rank",),
        ("highlight_id", "kind", "metric", "first_day", "last_day", "value", "other_value", "headline", "sentence"),
    ),
    # the row of no cluster compares them all
    Expectation(
        "beha2vec.cluster_insights", "cluster_insights", ("cluster_key",),
        ("name", "summary", "evidence", "actions", "written_by"), nullable_key=True,
    ),
)  # fmt: skip

_REMEDIES = {
    "columns_are_as_declared": (
        "the table was changed: copy what you need elsewhere, drop the table, and materialize the asset for all days"
    ),
    "rows_are_unique": (
        "materialize the asset again for these days, which replaces them; if they come again, report it with the sample"
    ),
    "nothing_is_null": "materialize the asset again, and what it reads before; if they come again, report the sample",
}


def declared_checks() -> list[Check]:
    """Three checks of each asset that has expectations."""
    kinds = {
        "columns_are_as_declared": (columns_are_as_declared, "Columns and types match this release."),
        "rows_are_unique": (rows_are_unique, "Keys are unique."),
        "nothing_is_null": (nothing_is_null, "Keys and required columns are not null."),
    }
    of_asset: dict[str, list[Expectation]] = {}
    for expectation in EXPECTATIONS:
        of_asset.setdefault(expectation.asset, []).append(expectation)

    def make(name: str, asset: str, expected: list[Expectation]) -> Check:
        look, description = kinds[name]
        blocking = any(expectation.blocking for expectation in expected)
        return Check(name, asset, description, lambda seen: look(seen, expected), "error", _REMEDIES[name], blocking)

    return [make(name, asset, expected) for asset, expected in of_asset.items() for name in kinds]


@cache
def declared_columns() -> dict[str, dict[str, str]]:
    """By table: its columns and their types, as `tables` declares them."""
    with limits.connect() as connection:
        create_tables(connection)
        tables = {expectation.table for expectation in EXPECTATIONS}
        return {table: _columns(connection, table) for table in tables}


def columns_are_as_declared(look: Look, expected: list[Expectation]) -> CheckOutcome:
    """Error where a column is missing or has another type; more columns than declared are only shown."""
    wrong, more = [], []
    for table in [expectation.table for expectation in expected]:
        with look.connect("columns_are_as_declared") as connection:
            found = _columns(connection, table)
        declared = declared_columns()[table]
        for column, kind in declared.items():
            if column not in found:
                wrong.append(f"{table}.{column} is missing ({kind})")
            elif found[column] != kind:
                wrong.append(f"{table}.{column} is {found[column]}, declared {kind}")
        more += [f"{table}.{column}" for column in found if column not in declared]
    figures = {"wrong_columns": len(wrong), "wrong": wrong} | ({"undeclared": more} if more else {})
    return CheckOutcome(not wrong, figures, "; ".join(wrong))


def rows_are_unique(look: Look, expected: list[Expectation]) -> CheckOutcome:
    """Error where a key has more than one row."""
    rows, repeated, samples = 0, 0, []
    for expectation in expected:
        key = ", ".join(expectation.key)
        of_run = f"from {expectation.table} where {_rows(look, expectation)}"
        with look.connect("rows_are_unique") as connection:
            ((seen, least),) = connection.execute(f"select count(*), count(distinct hash({key})) {of_run}").fetchall()
            shown = []
            if least < seen:  # with as many hashes as rows keys are unique; else two of them may have one hash
                shown = connection.execute(
                    f"""select {key}, count(*) as rows, count(*) over () as keys {of_run}
                    group by {key} having count(*) > 1 order by {key} limit {_SAMPLES}"""
                ).fetchall()
        rows, repeated = rows + seen, repeated + (shown[0][-1] if shown else 0)
        samples += [f"{_named(expectation.key, row)} ({row[-2]} rows)" for row in shown]
    message = f"{counted(repeated, 'key')} with several rows, such as {samples[0]}" if repeated else ""
    return CheckOutcome(not repeated, {"rows": rows, "repeated_keys": repeated, "samples": samples}, message)


def nothing_is_null(look: Look, expected: list[Expectation]) -> CheckOutcome:
    """Error where a column that is never null is."""
    rows, nulls, samples = 0, 0, []
    for expectation in expected:
        missing_where = {column: f"{column} is null" for column in expectation.never_null}
        missing_where |= {column: f"{column} is null and {held}" for column, held in expectation.required_where}
        counts = ", ".join(f"count(*) filter ({missing})" for missing in missing_where.values())
        of_run = f"from {expectation.table} where {_rows(look, expectation)}"
        with look.connect("nothing_is_null") as connection:
            ((seen, *missing),) = connection.execute(f"select count(*), {counts} {of_run}").fetchall()
            rows, nulls = rows + seen, nulls + sum(missing)
            for (column, where), number in zip(missing_where.items(), missing, strict=True):
                if number:
                    key = ", ".join(expectation.key)
                    (example,) = connection.execute(
                        f"select {key} {of_run} and {where} order by all limit 1"
                    ).fetchall()
                    row = _named(expectation.key, example)
                    samples.append(f"{expectation.table}.{column} is null in {counted(number, 'row')}, such as {row}")
    return CheckOutcome(not nulls, {"rows": rows, "nulls": nulls, "samples": samples}, "; ".join(samples))


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    return {name: kind for name, kind, *_ in connection.execute(f"describe {table}").fetchall()}


def _rows(look: Look, expectation: Expectation) -> str:
    days = f"event_date between date '{look.first}' and date '{look.last}'"
    return f"{expectation.scope} and ({days} or event_date is null)" if expectation.daily else expectation.scope


def _named(columns: tuple[str, ...], values: tuple[object, ...]) -> str:
    return ", ".join(f"{column}={value}" for column, value in zip(columns, values, strict=False))
