"""GA4's own predictions, from its daily tables ``pseudonymous_users_YYYYMMDD``: another rival in the backtest.

``predictions.purchase_score_7d`` is the probability that a user purchases within 7 days, ``churn_score_7d`` that they
do not come back (https://support.google.com/analytics/answer/12769371).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import duckdb

from beha2vec_core.ga4.source_files import SourceFile
from beha2vec_core.ga4.user_tables import load_user_table
from beha2vec_core.predictions.targets import PURCHASE, RETURN
from beha2vec_core.store import limits

if TYPE_CHECKING:
    import pandas as pd

DAYS = 7
# a day's table has the users whose fields changed on it; older scores belong to users who have not been seen since
_LOOKBACK = timedelta(days=28)
_COLUMNS = "pseudo_user_id: 'varchar', predictions: 'struct(purchase_score_7d double, churn_score_7d double)'"
_LOG = logging.getLogger("beha2vec_core.predictions")


def read_ga4_scores(tables: Sequence[SourceFile], as_of: date) -> pd.DataFrame:
    """What GA4 predicted for each device as of a date: its newest row in the tables of the four weeks before.

    Args:
        tables: files of GA4's tables of users, JSON or parquet; ``users_YYYYMMDD`` have no devices and are ignored. A
            file that cannot be read is left out with a warning.

    Returns:
        ``property_id``, ``user_pseudo_id``, ``target`` (purchase, return) and ``probability``, within 7 days.
    """
    with limits.connect() as connection:
        connection.execute(
            "create table scores (day date, property_id varchar, user_pseudo_id varchar, purchase double, back double)"
        )
        for table in tables:
            if "pseudonymous" not in table.name or table.day is None or not as_of - _LOOKBACK <= table.day < as_of:
                continue
            insert = """insert into scores
                select ?, ?, pseudo_user_id, predictions.purchase_score_7d, 1 - predictions.churn_score_7d"""
            if why := load_user_table(connection, table, insert, _COLUMNS, [table.day, table.property_id]):
                _LOG.warning("GA4's predictions in %s are left out: %s", table.name, why)
        return connection.execute(
            f"""with newest as (
                select property_id, user_pseudo_id, max(purchase) as {PURCHASE}, max(back) as "{RETURN}"
                from (
                    from scores where user_pseudo_id is not null
                    qualify day = max(day) over (partition by property_id, user_pseudo_id))
                group by all)
            from (unpivot newest on {PURCHASE}, "{RETURN}" into name target value probability)
            where probability between 0 and 1 order by all"""
        ).df()


def with_persons(connection: duckdb.DuckDBPyConnection, scores: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Scores of the persons to whom the devices belonged as of the date; of several devices the highest score.

    Args:
        scores: from `read_ga4_scores`.

    Returns:
        ``property_id``, ``user_key``, ``target`` and ``probability``.
    """
    connection.register("ga4_scores", scores)
    return connection.execute(
        """select property_id, persons.user_key, target, max(probability) as probability
        from ga4_scores join ga4.int_ga4__identity_map using (property_id, user_pseudo_id)
        join ga4.int_ga4__identities_as_of as persons using (client_key)
        where persons.as_of = ? group by all order by all""",
        [as_of],
    ).df()
