"""Predictions in the warehouse: what they are learned from, the models, the scores, and the way back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from beha2vec_core.store.sample import in_sample, one_in_for
from beha2vec_core.store.sql import quote
from beha2vec_core.store.versions import ROLLED_BACK
from beha2vec_core.store.warehouse import transaction

if TYPE_CHECKING:
    import pandas as pd

    from beha2vec_core.predictions.backtest import Backtest
    from beha2vec_core.predictions.model import PredictionModel


# days for which scores of earlier models are kept: all, and those of weekly dates, whose outcome is looked up
_KEPT_DAYS, _KEPT_DATES = 15, 40
_MOST_COMPARED = 100_000  # users of two dates


def feature_dates(connection: duckdb.DuckDBPyConnection) -> list[date]:
    """The dates that ``ga4.ml_ga4__user_features`` has, ascending."""
    found = connection.execute("select distinct as_of from ga4.ml_ga4__user_features order by 1").fetchall()
    return [as_of for (as_of,) in found]


def whole_dates(connection: duckdb.DuckDBPyConnection) -> set[date]:
    """Those of all users of all properties: the newest ones, and others without a sample (the var feature_users)."""
    found = connection.execute(
        "select as_of from ga4.ml_ga4__user_features group by as_of having max(sampling_weight) = 1"
    ).fetchall()
    return {as_of for (as_of,) in found}


def origins(connection: duckdb.DuckDBPyConnection) -> list[date]:
    """The weekly dates among them, ascending: Mondays."""
    return [as_of for as_of in feature_dates(connection) if as_of.weekday() == 0]


class Part(NamedTuple):
    """One part of so many of the users of a date, by a hash of the user: see `store.sample`."""

    number: int = 0
    of: int = 1


_ALL = Part()


def seen_lately(as_of: date, days: int) -> str:
    """SQL of the users who were seen within so many days before a date."""
    return f"(from ga4.ml_ga4__user_features where as_of = '{as_of}' and days_since_last_session <= {days})"


def parts(connection: duckdb.DuckDBPyConnection, users: str, most: int) -> list[Part]:
    """Users in parts of at most about so many. ``users``: SQL of a table."""
    found = connection.execute(f"select count(*) from {users}").fetchall()
    of = one_in_for(found[0][0], most)
    return [Part(number, of) for number in range(of)]


def read_features(
    connection: duckdb.DuckDBPyConnection,
    dates: Sequence[date],
    encoder: str = "",
    *,
    part: Part = _ALL,
    only: str = "",
    seen_within: int | None = None,
) -> pd.DataFrame:
    """Rows of ``ga4.ml_ga4__user_features`` of some dates, with the behavior vectors by an encoder ("": without).

    ``weight`` says how many users each one stands for.

    Args:
        only: SQL of a table with ``property_id`` and ``user_key``, whose users are read; "": all.
        seen_within: only users who were seen within so many days before the date; None: all.
    """
    lately = f"days_since_last_session <= {seen_within}" if seen_within is not None else "true"
    # another hash than that of the sample of a Monday, which would be one part
    of_part = in_sample("'part of ' || user_key", part.of, part.number) if part.of > 1 else "true"
    users = f"semi join {only} as wanted using (property_id, user_key)" if only else ""
    rows = f"{users} where {lately} and {of_part}"
    return _features(connection, encoder, rows, dates, "sampling_weight as weight")


def read_examples(connection: duckdb.DuckDBPyConnection) -> tuple[pd.DataFrame, str]:
    """The rows that models learn from, those of ``beha2vec.prediction_examples``, and the encoder of their vectors."""
    found = connection.execute("select max(encoder_version) from beha2vec.prediction_examples").fetchall()
    encoder = found[0][0] or ""
    dates = connection.execute("select distinct as_of from beha2vec.prediction_examples").fetchall()
    listed = "join beha2vec.prediction_examples using (as_of, property_id, user_key)"
    return _features(connection, encoder, listed, [day for (day,) in dates], "weight"), encoder


def examples_of(as_of: date) -> str:
    """SQL of the users of a date that are learned from."""
    return f"(from beha2vec.prediction_examples where as_of = '{as_of}')"


def _features(
    connection: duckdb.DuckDBPyConnection, encoder: str, rows: str, dates: Sequence[date], weight: str
) -> pd.DataFrame:
    from beha2vec_core.predictions.features import BEHAVIOR, COLUMNS, MEANS, with_means
    from beha2vec_core.predictions.targets import LABELS

    columns = ["property_id", "user_key", "as_of", *COLUMNS, *MEANS.values(), *LABELS, weight]
    if encoder:
        columns.append(BEHAVIOR)
    of_dates = f"(from ga4.ml_ga4__user_features where list_contains({[str(day) for day in dates]}::date[], as_of))"
    vectors = """left join (from beha2vec.prediction_vectors where encoder_version = ?) as vectors
        using (as_of, property_id, user_key)"""
    return connection.execute(
        f"""select {", ".join(columns)}
        from {with_means(of_dates)} {vectors if encoder else ""} {rows}
        order by as_of, property_id, user_key""",
        [encoder] if encoder else [],
    ).df()


def encoders_needed(connection: duckdb.DuckDBPyConnection, models: int) -> set[str]:
    """The encoders of the examples, and of the models fitted last or in use last, ``models`` of each."""
    found = connection.execute(
        """(select encoder_version from beha2vec.prediction_models order by fitted_at desc limit ?)
        union (select encoder_version from beha2vec.prediction_models
            where promoted_at is not null order by fitted_as_of desc limit ?)
        union select encoder_version from beha2vec.prediction_model_current
        union select encoder_version from beha2vec.prediction_examples""",
        [models, models],
    ).fetchall()
    return {version for (version,) in found if version}


def last_exported_day(connection: duckdb.DuckDBPyConnection) -> date | None:
    """The last day that features can know."""
    ((last,),) = connection.execute("select max(exported_until) from ga4.ml_ga4__user_features").fetchall()
    return last if isinstance(last, date) else None


def write_model(connection: duckdb.DuckDBPyConnection, model: PredictionModel) -> None:
    """Record a fitted model; it is not in use before `promote`."""
    row = {
        "prediction_version": model.version,
        "fitted_as_of": model.standing,
        "targets": list(model.targets),
        "horizons": sorted({days for target in model.targets.values() for days in target.horizons}),
        "methods": json.dumps(
            {name: {s: m.method for s, m in target.kinds.items()} for name, target in model.targets.items()}
        ),
        "gains": json.dumps(
            {
                name: {kind: [gain._asdict() for gain in found] for kind, found in target.gains.items()}
                for name, target in model.targets.items()
            }
        ),
        "notes": model.all_notes,
        "encoder_version": model.config.encoder or None,
        "fitted_at": datetime.now(UTC).replace(tzinfo=None),
    }
    marks = ", ".join("?" * len(row))
    connection.execute(
        f"""insert into beha2vec.prediction_models ({", ".join(row)}) values ({marks})
        on conflict do update set fitted_at = excluded.fitted_at""",
        list(row.values()),
    )


def write_evaluation(connection: duckdb.DuckDBPyConnection, version: str, found: Backtest) -> None:
    """Replace the evaluation of a model, at once."""
    dates = {"tested_from": min(found.origins), "tested_until": max(found.origins)} if found.origins else {}
    rows = found.rows.assign(prediction_version=version, **dates)  # noqa: F841  (DuckDB finds them by their names)
    curves = found.curves.assign(prediction_version=version)  # noqa: F841
    with transaction(connection):
        for table, made in (("prediction_evaluation", "rows"), ("prediction_curves", "curves")):
            connection.execute(f"delete from beha2vec.{table} where prediction_version = ?", [version])
            if found.origins:
                connection.execute(f"insert into beha2vec.{table} by name select * from {made}")


def stage(rows: pd.DataFrame, file: Path) -> None:
    """Write the scores of a part of the users to a file, for `staged`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if rows.empty:
        return
    table = pa.Table.from_pandas(rows.drop(columns="reasons"), preserve_index=False)
    reasons = pa.array(rows["reasons"], pa.list_(pa.string()))
    pq.write_table(table.append_column("reasons", reasons), file)


def staged(folder: Path) -> str:
    """SQL of the scores in the files of a folder."""
    if any(folder.glob("*.parquet")):
        return f"read_parquet({quote(folder / '*.parquet')}, union_by_name = true)"
    return "(select * exclude (event_date, prediction_version) from beha2vec.user_predictions limit 0)"


def write_predictions(connection: duckdb.DuckDBPyConnection, day: date, model: PredictionModel, scored: str) -> int:
    """Replace what a model says as of the end of a day, at once; the number of rows.

    Args:
        day: the last one that counts.
        scored: SQL of a table with the rows of `PredictionModel.predict` of all users, and their ``reasons``. Deciles
            are counted here, over all users; who is not in the first one has no reasons.
    """
    with transaction(connection):
        connection.execute(
            "delete from beha2vec.user_predictions where event_date = ? and prediction_version = ?",
            [day, model.version],
        )
        ((inserted,),) = connection.execute(
            f"""insert into beha2vec.user_predictions by name
            select * replace (case when decile = 1 then reasons end as reasons), ?::date as event_date,
                ? as prediction_version
            from (select * replace (
                1 + (row_number() over (of_target order by probability desc, user_key) - 1) * 10
                    // count(*) over of_target as decile)
                from {scored} window of_target as (partition by target, horizon))""",
            [day, model.version],
        ).fetchall()
    return int(inserted)


def stability(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int, int, float | None, float]]:
    """How alike the scores of the last two dates are, each by the newest model that was in use.

    Returns:
        Of each target and horizon: the users of both dates, the rank correlation of their probabilities (Spearman), and
        the share of the earlier first decile that is still in it; [] if there is only one date. Of many users those of
        a sample are compared.
    """
    ((users,),) = connection.execute(
        """select coalesce(max(users), 0) from (select count(*) as users from beha2vec.user_predictions
            where event_date = (select max(event_date) from beha2vec.user_predictions)
            group by prediction_version, target, horizon)"""
    ).fetchall()
    return connection.execute(
        f"""with dates as (
            select event_date, arg_max(prediction_version, fitted_at) as prediction_version
            from (select distinct event_date, prediction_version from beha2vec.user_predictions)
            join beha2vec.prediction_models using (prediction_version)
            where promoted_at is not null group by event_date order by event_date desc limit 2
        ), ranked as (
            select target, horizon, property_id, user_key, event_date, decile = 1 as first,
                rank() over (partition by target, horizon, event_date order by probability) as place
            from beha2vec.user_predictions semi join dates using (event_date, prediction_version)
            where hash(user_key) % {one_in_for(users, _MOST_COMPARED)} = 0)
        select target, horizon, count(*), corr(later.place, earlier.place),
            count(*) filter (later.first and earlier.first) / greatest(count(*) filter (earlier.first), 1)
        from ranked as earlier join ranked as later using (target, horizon, property_id, user_key)
        where earlier.event_date < later.event_date group by target, horizon order by target, horizon"""
    ).fetchall()


def version_in_use(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The model that readers see; None: there is none yet."""
    found = connection.execute("select prediction_version from beha2vec.prediction_model_current").fetchall()
    return str(found[0][0]) if found else None


def promoted_versions(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The models that were in use, the one fitted last first, without those that were rolled back."""
    found = connection.execute(
        """select prediction_version from beha2vec.prediction_models
        where promoted_at is not null and refused is null order by fitted_as_of desc"""
    ).fetchall()
    return [version for (version,) in found]


def newest_version(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The model fitted last; None: there is none yet."""
    found = connection.execute("select prediction_version from beha2vec.prediction_model_newest").fetchall()
    return str(found[0][0]) if found else None


def promote(connection: duckdb.DuckDBPyConnection, version: str) -> int:
    """Show readers a model, and delete scores of earlier models that nothing needs.

    Kept are those of the last days, to go back to, and those of the dates that have yet to come true. Vectors are kept
    of the model in use and of the examples; others are made again where they are needed. Returns the number of deleted
    scores.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    with transaction(connection):
        connection.execute(
            "update beha2vec.prediction_models set promoted_at = ?, refused = null where prediction_version = ?",
            [now, version],
        )
        ((deleted,),) = connection.execute(
            """delete from beha2vec.user_predictions where prediction_version <> ? and (
                event_date < (select max(event_date) from beha2vec.user_predictions) - ?
                or isodow(as_of) <> 1 and event_date < (select max(event_date) from beha2vec.user_predictions) - ?)""",
            [version, _KEPT_DATES, _KEPT_DAYS],
        ).fetchall()
        connection.execute(
            """delete from beha2vec.prediction_vectors where encoder_version not in (
                select encoder_version from beha2vec.prediction_model_current where encoder_version is not null
                union select encoder_version from beha2vec.prediction_examples where encoder_version is not null)
            or isodow(as_of) <> 1 and event_date < (select max(event_date) from beha2vec.prediction_vectors) - ?""",
            [_KEPT_DAYS],
        )
    return int(deleted)


def refuse(connection: duckdb.DuckDBPyConnection, version: str, why: str) -> None:
    """Record why a model is not used."""
    connection.execute("update beha2vec.prediction_models set refused = ? where prediction_version = ?", [why, version])


def roll_back(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Show readers the model before the one in use again; None: there is none whose scores are kept."""
    found = connection.execute(
        """select prediction_version from beha2vec.prediction_models
        where promoted_at is not null and not coalesce(starts_with(refused, ?), false)
            and prediction_version in (select prediction_version from beha2vec.user_predictions)
        order by promoted_at desc limit 2""",
        [ROLLED_BACK],
    ).fetchall()
    if len(found) < 2:
        return None
    (left,), (target,) = found
    with transaction(connection):
        refuse(connection, left, f"{ROLLED_BACK} to {target}")
        now = datetime.now(UTC).replace(tzinfo=None)
        connection.execute(
            "update beha2vec.prediction_models set promoted_at = ? where prediction_version = ?", [now, target]
        )
    return str(target)


def rolled_back(connection: duckdb.DuckDBPyConnection, version: str) -> str | None:
    """Why a model is not to be used again after a rollback; None: it was not rolled back."""
    found = connection.execute(
        "select refused from beha2vec.prediction_models where prediction_version = ? and starts_with(refused, ?)",
        [version, ROLLED_BACK],
    ).fetchall()
    return str(found[0][0]) if found else None


def evaluation_rows(connection: duckdb.DuckDBPyConnection, version: str) -> list[dict[str, Any]]:
    """The evaluation of a model."""
    found = connection.sql("from beha2vec.prediction_evaluation where prediction_version = ?", params=[version])
    rows: list[dict[str, Any]] = found.to_arrow_table().to_pylist()
    return rows


def scored_day(as_of: date) -> date:
    """The partition of a date: its last exported day."""
    return as_of - timedelta(days=1)
