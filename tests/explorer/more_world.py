"""The planted shop with what look-alikes, pages and model read beside: ids, conversions, an encoder's curve, days."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from tests.chat.chat_server import Reply
from tests.helpers.hostile_text import HOSTILE_TEXTS

HOSTILE = "<img src=x onerror=alert()> [free](javascript:alert()) :material/delete: $x$"


class SlowModel:
    """An endpoint that waits between two sentences until it is asked to go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self, _: dict[str, Any], __: int) -> Reply:
        return Reply(self._deltas())  # type: ignore[arg-type]

    def _deltas(self) -> Iterator[dict[str, str]]:
        yield {"content": f"{HOSTILE}. "}
        yield {"content": "Nobody knows. "}
        self.go_on.wait(20)
        yield {"content": "The end."}


def make_more(serving: Path, path: Path) -> Path:
    """A copy of the published shop with these tables.

    Users of group 1 have login ids; even ones among them have bought. The page of the first hostile title is in doubt,
    one is overridden. The day before the last is a tracking break, told in hostile words.
    """
    shutil.copy(serving, path)
    curve = [{"epoch": n, "loss": 9.0 / n, "held_out_loss": 8.0 / n + 0.2 * n} for n in range(1, 6)]
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """alter table ga4.dim_ga4__users add column user_pseudo_id varchar;
            alter table ga4.dim_ga4__users add column user_id varchar;
            update ga4.dim_ga4__users set user_pseudo_id = 'd.' || user_key,
                user_id = case when user_key like 'g1-%' then 'C' || substr(user_key, 4) end,
                is_ads_consented = not (user_key like '%3' or user_key like '%7');
            create or replace table ga4.int_ga4__identity_map as
                select user_key as client_key, user_key, user_pseudo_id, user_id, property_id,
                    date '2026-01-01' as first_seen from ga4.dim_ga4__users;
            create table ga4.fct_ga4__conversions as select user_key from ga4.dim_ga4__users where purchases > 0;
            update beha2vec.enriched_pages set theme_confidence = 0.9, page_type_confidence = 0.95,
                theme_method = 'rules', page_type_method = 'rules', theme_runner_up = 'travel', review_rank = null;
            update beha2vec.enriched_pages set theme_confidence = 0.2, review_rank = 1
                where page_key = 'shop.example/article/0';
            update beha2vec.enriched_pages set theme_confidence = 0.5 where page_key like '%/product/%';
            update beha2vec.enriched_pages set theme_method = 'override' where page_key = 'shop.example/article/4';"""
        )
        for table in ("beha2vec.encoders", "beha2vec.encoder_current"):
            connection.execute(
                f"update {table} set training_curve = $curve, data_window = $window, config = $config, "
                "train_config = $train",
                {
                    "curve": json.dumps(curve),
                    "window": json.dumps({"users": 280, "events": 1690}),
                    "config": json.dumps({"dim": 4, "max_length": 128}),
                    "train": json.dumps({"held_out": 0.1}),
                },
            )
        connection.execute(
            """insert into beha2vec.encoder_evaluation
                (model_version, method, task, metric, value, n, less_best_floor, low, high, judged) values
                ('e1', 'encoder', 'next page', 'mrr@10', 0.30, 120, 0.10, 0.05, 0.15, 140),
                ('e1', 'Markov', 'next page', 'mrr@10', 0.20, 120, null, null, null, 140),
                ('e1', 'popular', 'next page', 'mrr@10', 0.10, 120, null, null, null, 140),
                ('e0', 'encoder', 'next page', 'mrr@10', 0.99, 120, 0.79, 0.05, 0.15, 140)"""
        )
        connection.execute(
            """create table ga4.ga4_quality__daily as
            select event_date, 1010 as raw_events, 1000 as events, 1000.0 as usual_events, 10 as duplicates_dropped,
                20 as events_without_user, 5 as late_events, 0 as events_with_placeholders, 100 as users,
                110 as sessions, 500 as page_views, 3 as purchases, event_date = date '2026-01-17' as is_tracking_break,
                case when event_date = date '2026-01-17' then $reason end as tracking_break_reason
            from (select unnest(range(date '2026-01-05', date '2026-01-19', interval 1 day))::date as event_date)""",
            {"reason": next(text for text in HOSTILE_TEXTS if "<script>" in text)},
        )
    return path
