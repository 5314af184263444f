"""The tables that metrics are computed from, and what can be joined to them.

``{t}`` is the alias of the metric's own table, ``{date}`` its day in the property's time zone, ``{time}`` its
moment in UTC.
"""

from dataclasses import dataclass

from beha2vec_core.predictions.horizons import HORIZONS


@dataclass(frozen=True)
class Table:
    """Rows that metrics are computed from."""

    alias: str  # in SQL
    sql: str  # what stands after ``from``, with the alias
    date: str | None  # SQL of the day; None where the rows have none
    joins: tuple[str, ...]  # aliases of `JOINS` that can be joined without multiplying rows
    unit: str  # what a row is, in the plural
    keys: tuple[str, ...] = ("user_key", "session_key")  # columns by which users, sessions and orders can be chosen
    counted: str = "count(*)"  # how many of what rows stand for, where a number of them is asked for
    time: str | None = None  # SQL of the moment, in UTC; None where the rows have none
    moment: str | None = None  # of the row itself, where that is not `time`


# each adds at most one row per row
JOINS = {
    "s": "left join ga4.fct_ga4__sessions as s on s.session_key = {t}.session_key",
    "f": "left join ga4.fct_ga4__funnel_sessions as f on f.session_key = {t}.session_key",
    "d": "left join ga4.fct_ga4__user_days as d on d.user_key = {t}.user_key and d.user_date = {date}",
    "c": "left join beha2vec.user_clusters_current as c on c.user_key = {t}.user_key",
    "h": "asof left join beha2vec.cluster_history as h on h.user_key = {t}.user_key and h.event_date <= {date}",
    "u": "left join ga4.dim_ga4__users as u on u.user_key = {t}.user_key",
    "g": "left join beha2vec.enriched_pages as g on g.page_key = {t}.page_key",
    "gl": """left join (select ls.session_key, lg.page_type from ga4.fct_ga4__sessions as ls
        join beha2vec.enriched_pages as lg on lg.page_key = ls.landing_page_key) as gl
        on gl.session_key = {t}.session_key""",
    "gn": "left join beha2vec.enriched_pages as gn on gn.page_key = {t}.next_page_key",
    "gp": "left join beha2vec.enriched_pages as gp on gp.page_key = {t}.previous_page_key",
    "o": """left join (select n.purchase_key, row_number() over (partition by n.user_key order by n.event_timestamp,
        n.purchase_key) as number from ga4.fct_ga4__purchases as n where n.user_key is not null and not
        n.is_refund_without_purchase) as o on o.purchase_key = {t}.purchase_key""",
}
_PEOPLE = ("d", "c", "h", "u")
_VISITS = ("s", "gl", *_PEOPLE)
RETENTION_DAYS = 7
# the first day of each user, and whether a later day followed in time; only where all of these days are in the data
_FIRST_DAYS = f"""(
    select n.user_key, min(n.user_date) as first_day,
        bool_or(exists (select 1 from ga4.fct_ga4__user_days as l where l.user_key = n.user_key
            and l.user_date > n.user_date and l.user_date <= n.user_date + {RETENTION_DAYS})) as came_back
    from ga4.fct_ga4__user_days as n
    where n.is_new and n.user_date <= (select max(user_date) from ga4.fct_ga4__user_days) - {RETENTION_DAYS}
    group by n.user_key) as r"""
# the first order of each user in the data: how many days after their first session, and in which of their sessions
_FIRST_ORDERS = """(
    select n.user_key, min(n.first_day) as first_day, min(n.first_day) - min(b.session_date) as days,
        count(*) filter (where b.session_started_at <= n.ordered_at) as visits
    from (select user_key, min(occurred_on) as first_day, make_timestamp(min(event_timestamp)) as ordered_at
        from ga4.fct_ga4__purchases where not is_refund_without_purchase group by 1) as n
    join ga4.fct_ga4__sessions as b on b.user_key = n.user_key group by n.user_key) as w"""
# the same with how many of their page views came before it
_VIEWS_TO_ORDER = """(
    select n.user_key, n.first_day, count(x.event_timestamp) as views
    from (select user_key, min(occurred_on) as first_day, min(event_timestamp) as ordered_at
        from ga4.fct_ga4__purchases where not is_refund_without_purchase and user_key is not null group by 1) as n
    left join ga4.fct_ga4__page_views as x on x.user_key = n.user_key and x.event_timestamp < n.ordered_at
    group by 1, 2) as b"""
# each order of a user, its number among theirs, and how many days it came after the one before (null for the first)
_ORDERS_IN_TURN = """(
    select n.user_key, n.session_key, n.purchase_key, n.transaction_id, n.occurred_on, n.event_timestamp,
        row_number() over turn as number, n.occurred_on - lag(n.occurred_on) over turn as days
    from ga4.fct_ga4__purchases as n where n.user_key is not null and not n.is_refund_without_purchase
    window turn as (partition by n.user_key order by n.event_timestamp, n.purchase_key)) as y"""
STEPS = {  # of buying, by their number in `ga4_event_taxonomy`
    1: ("view", "product view"), 2: ("cart", "cart"), 3: ("checkout", "checkout"), 4: ("shipping", "shipping step"),
    5: ("payment", "payment step"), 6: ("order", "order"),
}  # fmt: skip
OF_CARTS = ((2, 6), (3, 6))  # steps with metrics of their own: the carts and checkouts of the session itself
# a row per session and step that it reached, of the steps that the site records
_REACHED = f"""(
    select b.session_key, b.user_key, b.session_date, x.step,
        case x.step {" ".join(f"when {n} then b.step_{n}_at" for n in STEPS)} end as reached_at
    from ga4.fct_ga4__funnel_sessions as b
    join (select unnest([{", ".join(f"case when count(b.step_{n}_at) > 0 then {n} end" for n in STEPS)}]) as step
        from ga4.fct_ga4__funnel_sessions as b) as x on b.furthest_step >= x.step) as q"""
# items as they were viewed, or added to the cart, in the last session of the user that had begun
_ITEMS = """(
    select m.user_key, b.session_key, n.event_date as occurred_on, n.event_timestamp, n.item_name, n.item_brand,
        n.item_category, n.item_category2, n.coupon
    from ga4.stg_ga4__event_items as n join ga4.int_ga4__identity_map as m on m.client_key = n.client_key
    asof left join ga4.fct_ga4__sessions as b
        on b.user_key = m.user_key and b.session_started_at <= make_timestamp(n.event_timestamp)
    where n.event_name = '{event}') as i"""
_KEYS_OF_ORDERS = ("user_key", "session_key", "purchase_key")
TABLES = {
    "sessions": Table("s", "ga4.fct_ga4__sessions as s", "s.session_date", (*_PEOPLE, "f", "gl"), "sessions",
                      time="s.session_started_at"),
    "purchases": Table(
        "p", "ga4.fct_ga4__purchases as p", "p.occurred_on", (*_VISITS, "o"), "orders", _KEYS_OF_ORDERS,
        "count(*) filter (where not p.is_refund_without_purchase)", "make_timestamp(p.event_timestamp)",
    ),
    "items": Table(
        "i", "ga4.fct_ga4__purchase_items as i", "i.occurred_on", (*_VISITS, "o"), "items", _KEYS_OF_ORDERS,
        "sum(i.quantity)", "make_timestamp(i.event_timestamp)",
    ),
    "page_views": Table("v", "ga4.fct_ga4__page_views as v", "v.occurred_on", (*_VISITS, "g", "gn", "gp"),
                        "page views", time="make_timestamp(v.event_timestamp)"),
    "key_events": Table("k", "ga4.fct_ga4__conversions as k", "k.occurred_on", _VISITS, "key events",
                        time="make_timestamp(k.event_timestamp)"),
    "first_days": Table("r", _FIRST_DAYS, "r.first_day", ("c", "u"), "new users", ("user_key",)),
    "first_orders": Table("w", _FIRST_ORDERS, "w.first_day", ("c", "u"), "first orders", ("user_key",)),
    "views_to_order": Table("b", _VIEWS_TO_ORDER, "b.first_day", ("c", "u"), "first orders", ("user_key",)),
    "orders_in_turn": Table("y", _ORDERS_IN_TURN, "y.occurred_on", _VISITS, "orders", _KEYS_OF_ORDERS,
                            time="make_timestamp(y.event_timestamp)"),
    "steps": Table("q", _REACHED, "q.session_date", _VISITS, "sessions",
                   time="s.session_started_at", moment="q.reached_at"),
    "events": Table("x", "ga4.ml_ga4__sequence_events as x", "x.event_date", (*_VISITS, "g"), "events",
                    time="make_timestamp(x.event_timestamp)"),
    **{
        name: Table("i", _ITEMS.format(event=event), "i.occurred_on", _VISITS, unit,
                    time="make_timestamp(i.event_timestamp)")
        for name, event, unit in (("cart_items", "add_to_cart", "items added to the cart"),
                                  ("viewed_items", "view_item", "items viewed"),
                                  ("removed_items", "remove_from_cart", "items removed from the cart"),
                                  ("wished_items", "add_to_wishlist", "items added to a wishlist"))
    },
    "predictions": Table(
        "e",
        f"""(select user_key, probability from beha2vec.user_predictions_current
            semi join (from {HORIZONS} where target = 'purchase' and is_shown) using (target, horizon)) as e""",
        None,
        ("c",),
        "users",
        ("user_key",),
    ),
}  # fmt: skip
