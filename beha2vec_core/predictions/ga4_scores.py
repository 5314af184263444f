"""GA4's own predictions, from its daily tables ``pseudonymous_users_YYYYMMDD``: another rival of the backtest.

``predictions.purchase_score_7d`` is the probability that a user purchases within 7 days, ``churn_score_7d`` that they
do not come back (https://support.google.com/analytics/answer/12769371).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import duckdb

from beha2vec_core.ga4.sources import SourceFile
from beha2vec_core.predictions.targets import PURCHASE, RETURN

if TYPE_CHECKING:
    import pandas as pd

DAYS = 7
_LOG = logging.getLogger("beha2vec_core.predictions")
# a day's table has the users whose fields changed on it; older scores are of users who are not seen any more
_LOOKBACK = timedelta(days=28)
_READERS = {
    "parquet": "read_parquet(?)",
    "ndjson": """read_json(?, format = 'newline_delimited', columns = {pseudo_user_id: 'varchar',
        predictions: 'struct(purchase_score_7d double, churn_score_7d double)'})""",
}


def read_ga4_scores(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[SourceFile], dates: Sequence[date]
) -> pd.DataFrame:
    """What GA4 predicted for each user as of some dates, from the tables of the days before each.

    Args:
        connection: to the warehouse, for `int_ga4__identity_map`.
        tables: files of GA4's tables of users, parquet or newline-delimited JSON. Those that cannot be read are left
            out with a warning.
        dates: the dates.

    Returns:
        A row per date, user and target: ``as_of``, ``property_id``, ``user_key``, ``target`` (purchase, return) and
        ``probability``, within 7 days. Of a user with several devices the highest one.
    """
    first, last = min(dates, default=date.max), max(dates, default=date.min)
    connection.execute(
        """create or replace temp table ga4_scores
        (day date, property_id varchar, user_pseudo_id varchar, purchase double, return double)"""
    )
    for table in tables:
        if table.day is None or table.format not in _READERS or not first - _LOOKBACK <= table.day < last:
            continue
        try:
            connection.execute(
                f"""insert into ga4_scores select ?, ?, pseudo_user_id, predictions.purchase_score_7d,
                    1 - predictions.churn_score_7d from {_READERS[table.format]} where pseudo_user_id is not null""",
                [table.day, table.property_id, str(table.path)],
            )
        except duckdb.Error as error:
            why = str(error).splitlines()[0]
            _LOG.warning("GA4's predictions in %s cannot be read and are left out: %s", table.name, why)
    return connection.execute(
        f"""with newest as (
            select as_of, property_id, user_pseudo_id,
                max_by({{{PURCHASE}: purchase, {RETURN}: return}}, day) as scores
            from (select unnest(?::date[]) as as_of) join ga4_scores on day < as_of and day >= as_of - {_LOOKBACK.days}
            group by all)
        select as_of, property_id, user_key, target, max(probability) as probability
        from (unpivot (select as_of, property_id, user_pseudo_id, unnest(scores) from newest)
            on {PURCHASE}, {RETURN} into name target value probability)
        join ga4.int_ga4__identity_map using (property_id, user_pseudo_id)
        where probability between 0 and 1 group by all order by all""",
        [list(dates)],
    ).df()
