"""What there is, how fresh it is, and what changed last."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from beha2vec_core.chat.queries.nearest import as_question
from beha2vec_core.explorer import tables
from beha2vec_core.explorer.data import clusters
from beha2vec_core.explorer.published import Published
from beha2vec_core.profiles import counts
from beha2vec_core.profiles.counts import Step
from beha2vec_core.semantic.highlights.store import SHOWN, query_of
from beha2vec_core.store.catalog import named_rows
from beha2vec_core.words import change, counted, days

_WEEK = 7
_ROWS = 100


@dataclass(frozen=True)
class Totals(counts.Totals):
    """How much was published, and by which models."""

    model_version: str | None
    trained_at: datetime | None  # UTC
    clusters_since: datetime | None  # UTC, when readers were switched to these clusters


def totals(published: Published) -> Totals:
    """Users, days and models of the published database."""
    version, trained = _row(published, "select max(model_version), max(trained_at) from beha2vec.encoder_current")
    (since,) = _row(published, "select max(promoted_at) from beha2vec.cluster_model_current")
    with published.cursor() as cursor:
        found = vars(counts.totals(cursor))
    return Totals(**found, model_version=version, trained_at=trained, clusters_since=since)


def funnel(published: Published) -> tuple[Step, ...]:
    """From events to clustered users, and why there are fewer at each step."""
    with published.cursor() as cursor:
        return counts.funnel(cursor)


def steps(found: tuple[Step, ...]) -> tables.Columns:
    """The steps of `funnel` as a table."""
    return {
        "Step": [step.name for step in found],
        "How many": tables.numbers(step.count for step in found),
        "Left out, and why": [step.why for step in found],
    }


def highlights(published: Published) -> pd.DataFrame:
    """What to know first: highlight_id, headline, sentence; the largest first. Empty where nothing stands out."""
    return published.query(
        f"select highlight_id, headline, sentence from beha2vec.highlights order by rank limit {_ROWS}"
    )


HIGHLIGHTS_SHOWN = SHOWN
NO_HIGHLIGHTS = "Nothing stands out: no difference between segments and no change is larger than chance explains."


def question_of(published: Published, highlight_id: str) -> str | None:
    """The question for the chat that shows a highlight among its neighbours; None if there is no such highlight."""
    with published.cursor() as cursor:
        cursor.execute("select * from beha2vec.highlights where highlight_id = ?", [highlight_id])
        found = named_rows(cursor)
    return as_question(query_of(found[0])) if found else None


def weekly_change(published: Published) -> pd.DataFrame:
    """Users with events in the last 7 days and in the 7 before: cluster_key, now, before; the largest first.

    A user counts in the cluster of their last active day of the week. Users of whom too little is known come last.
    """
    return published.query(
        f"""with latest as (select max(event_date) as day from beha2vec.cluster_history),
        weekly as (
            select user_key, event_date > day - {_WEEK} as is_now, arg_max(cluster_key, event_date) as cluster_key
            from beha2vec.cluster_history, latest where event_date > day - {2 * _WEEK} group by 1, 2)
        select cluster_key, count(*) filter (is_now) as now, count(*) filter (not is_now) as before
        from weekly group by 1 order by cluster_key < 0, now desc, cluster_key limit {_ROWS}"""
    )


def weeks(published: Published) -> tuple[date, int] | None:
    """The last day of `weekly_change`, and of how many of its 7 days before there is data; None without any day.

    With fewer than 7 the two weeks cannot be compared.
    """
    first, last = _row(published, "select min(event_date), max(event_date) from beha2vec.cluster_history")
    return None if last is None else (last, min(max((last - first).days + 1 - _WEEK, 0), _WEEK))


def week_table(published: Published) -> tuple[tables.Columns, str]:
    """The rows of `weekly_change` as a table, and a note for below it.

    Where the 7 days before are not whole, there is no change: it would be drawn from fewer days.
    """
    week, found = published.ask(weekly_change), published.ask(weeks)
    names = clusters.names(published)
    clustered = [names.get(int(key), f"Cluster {key}") for key in week["cluster_key"]]
    columns: dict[str, list[str]] = {"Cluster": clustered, "Last 7 days": tables.numbers(week["now"])}
    before = tables.numbers(week["before"])
    if found is None:
        return columns | {"7 days before": before}, ""
    last, whole = found
    week_words = days(last - timedelta(days=_WEEK - 1), last)
    note = f"The last 7 days are {week_words}. GA4's active users are fewer: it counts only engaged visits."
    if whole < _WEEK:
        columns |= {f"{counted(whole, 'day')} before": before} if whole else {}
        return columns, f"{note} Only {whole} of the 7 days before have data: too few to compare."
    return columns | {"7 days before": before, "Change": tables.Numbers(map(change, week["now"], week["before"]))}, note


def moves(published: Published) -> pd.DataFrame:
    """Users who changed cluster in the last 7 days: from_cluster, to_cluster, users; the most frequent first."""
    found = clusters.flows(published, _WEEK)
    return found[found["from_cluster"] != found["to_cluster"]].head(_ROWS).reset_index(drop=True)


def lineage(published: Published) -> pd.DataFrame:
    """What became of the clusters of the model before: cluster_key, change, other_key, users, shared_users.

    Empty where these are the first clusters, or all were kept.
    """
    return published.query(
        f"""select cluster_key, change, other_key, users, shared_users from beha2vec.cluster_lineage
        where cluster_model_version = (select cluster_model_version from beha2vec.cluster_model_current)
            and before_version is not null and change <> 'kept'
        order by change, cluster_key limit {_ROWS}"""
    )


def users_by_day(published: Published) -> pd.DataFrame:
    """Users with events on each day: event_date, users; the last two years at most. GA4's active users are fewer."""
    return published.query(
        """select event_date, count(*) as users from beha2vec.cluster_history
        group by 1 order by 1 desc limit 731"""
    ).sort_values("event_date", ignore_index=True)


def _row(published: Published, sql: str) -> tuple[Any, ...]:
    """The single row, as Python's own types."""
    with published.cursor() as cursor:
        ((*row,),) = cursor.execute(sql).fetchall()
    return tuple(row)
