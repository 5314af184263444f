"""The metrics: one entry each. Adding a metric is adding an entry.

Definitions follow GA4 (https://support.google.com/analytics/answer/12195621 engagement and bounce rate,
/answer/12253918 users), and say in their labels where they are our own.
"""

from itertools import combinations

from beha2vec_core.semantic.measure import Measure, Metric
from beha2vec_core.semantic.tables import OF_CARTS, RETENTION_DAYS, STEPS


def _count(condition: str) -> str:
    """How many rows meet it; 0 of no rows, where DuckDB's count_if is null."""
    return f"count(*) filter (where {condition})"


_ORDERED = "not p.is_refund_without_purchase"
_ORDERS = _count(_ORDERED)
_BOUGHT = "s.purchases > 0"


def _money(amount: str, *, known: str) -> str:
    """A sum of money as the marts': null if the amounts are in several currencies, or one of them is not known."""
    currency = f"{amount.partition('.')[0]}.currency"
    return f"""case when count(distinct case when {amount} <> 0 then coalesce({currency}, '') end) <= 1
        and {_count(f"not ({known})")} = 0 then coalesce(sum({amount}), 0) end"""


def _charged(amount: str) -> str:
    """A sum of what the orders that report it were charged; null if none does, or in several currencies."""
    currency = f"{amount.partition('.')[0]}.currency"
    currencies = f"count(distinct case when {amount} <> 0 then coalesce({currency}, '') end)"
    return f"case when {currencies} <= 1 then sum({amount}) end"


def _currency(amount: str) -> str:
    currency = f"{amount.partition('.')[0]}.currency"
    return f"case when count(distinct {currency}) = 1 then min({currency}) end"


_EXPRESSED = """(p.revenue is not null or p.event_revenue is null and p.revenue_in_usd is null)
    and (p.refund is not null or p.refund_events = 0)"""
_ITEM_EXPRESSED = "i.item_revenue is not null or i.price is null"


def _step_rate(first: int, last: int) -> Metric:
    """The share of sessions that got as far as one step of buying and also as far as a later one: as in the funnel."""
    (name, label), (later, later_label) = STEPS[first], STEPS[last]
    return Metric(
        f"{name}_to_{later}", f"share of sessions that got from the {label} to the {later_label}", "share",
        {"sessions": Measure(_count(f"f.furthest_step >= {last}"), _count(f"f.furthest_step >= {first}"))},
        (f"{name} to {later}", f"{name} to {later} rate",
         f"{name} to {later} conversion"), n_of=f"sessions that reached the {label}",
    )  # fmt: skip


def _drop_off(first: int, last: int) -> tuple[Metric, Metric]:
    """The share and the number of sessions that got as far as one step of buying and not as far as a later one."""
    (name, label), (later, later_label) = STEPS[first], STEPS[last]
    ended = _count(f"f.furthest_step >= {first} and f.furthest_step < {last}")
    ended_there = f"sessions that reached the {label} but not the {later_label}"
    word = "drop" if (first, last) in OF_CARTS else "without"
    phrases = tuple(dict.fromkeys((f"{name} {word} {later}", f"{name} drop {later}")))
    share = Metric(
        f"{name}_{word}_{later}", f"share of {ended_there}", "share",
        {"sessions": Measure(ended, _count(f"f.furthest_step >= {first}"))}, phrases,
        n_of=f"sessions that reached the {label}", better=-1, count=f"{name}_{word}_{later}_sessions",
    )  # fmt: skip
    count = Metric(
        f"{share.name}_sessions", ended_there, "count", {"sessions": Measure(ended)},
        tuple(f"{phrase} session" for phrase in phrases),
    )  # fmt: skip
    return share, count


def _step_time(first: int, last: int) -> Metric:
    """The time from one step of buying to a later one, in sessions that have both in this order."""
    (name, label), (later, later_label) = STEPS[first], STEPS[last]
    both = f"f.step_{last}_at >= f.step_{first}_at"
    return Metric(
        f"{name}_to_{later}_time", f"median time from the {label} to the {later_label}", "seconds",
        {"sessions": Measure(
            f"median(date_diff('second', f.step_{first}_at, f.step_{last}_at)) filter (where {both})", n=_count(both)
        )},
        (f"{name} to {later} time",), n_of="sessions with both steps", better=-1, means="within a session",
    )  # fmt: skip


_REVENUE = Measure(_money("p.revenue", known=_EXPRESSED), n=_ORDERS, extra=_currency("p.revenue"))
_NET = Measure(_money("p.net_revenue", known=_EXPRESSED), n=_ORDERS, extra=_currency("p.net_revenue"))
_SALES = Measure(_money("i.item_revenue", known=_ITEM_EXPRESSED), n="count(distinct i.purchase_key)",
                 extra=_currency("i.item_revenue"))  # fmt: skip
_OF_SESSIONS = _money("s.revenue", known="s.revenue is not null")
METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "users", "users", "count",
            {"sessions": Measure("count(distinct s.user_key)"), "page_views": Measure("count(distinct v.user_key)")},
            ("user", "visitor", "people", "person", "audience", "unique user"),
            is_weak=True,
        ),
        Metric(
            "new_users", "new users", "count",
            {"sessions": Measure("count(distinct case when d.is_new then s.user_key end)")},
            ("new user", "first time user", "first timer", "newcomer", "newbie"),
        ),
        Metric(
            "returning_users", "returning users", "count",
            {"sessions": Measure("count(distinct case when s.ga_session_number > 1 then s.user_key end)")},
            ("returning user", "repeat user", "user came back", "user who came back"),
        ),
        Metric(
            "active_users", "active users", "count",
            {"sessions": Measure("count(distinct case when d.is_active then s.user_key end)")},
            ("active user",),
        ),
        Metric(
            "sessions", "sessions", "count",
            {"sessions": Measure("count(*)"), "page_views": Measure("count(distinct v.session_key)")},
            ("session", "visit", "traffic"), is_weak=True,
        ),
        Metric(
            "engaged_rate", "engagement rate", "share",
            {"sessions": Measure(_count("s.is_engaged"), "count(*)")},
            ("engagement rate", "engaged rate", "engagement", "engaged"), n_of="sessions", count="engaged_sessions",
            means="engaged sessions",
        ),
        Metric("engaged_sessions", "engaged sessions", "count", {"sessions": Measure(_count("s.is_engaged"))},
               ("engaged visit",)),
        Metric(
            "bounce_rate", "bounce rate", "share",
            {"sessions": Measure(_count("not coalesce(s.is_engaged, false)"), "count(*)")},
            ("bounce rate", "bounce", "bounced session", "bouncing", "bounced"),
            n_of="sessions", better=-1, count="bounces", means="sessions without engagement",
        ),
        Metric(
            "bounces", "sessions without engagement", "count",
            {"sessions": Measure(_count("not coalesce(s.is_engaged, false)"))}, ("number of bounce",), better=-1,
        ),
        Metric(
            "single_page_rate", "share of sessions with one page view", "share",
            {"sessions": Measure(_count("s.page_views = 1"), "count(*)")},
            ("singlepage", "singlepage rate", "singlepage visit rate"),
            n_of="sessions", better=-1, count="single_page_sessions",
        ),
        Metric(
            "single_page_sessions", "sessions with one page view", "count",
            {"sessions": Measure(_count("s.page_views = 1"))}, ("singlepage visit",),
        ),
        Metric(
            "page_views", "page views", "count", {"page_views": Measure("count(*)")},
            ("page view", "pageview", "view", "viewed", "screen view", "page impression", "pageload", "page hit",
             "page viewed", "page seen", "page opened", "page visited"),
            otherwise="item_views",
        ),
        Metric(
            "pages_per_session", "page views per session", "mean",
            {"sessions": Measure("sum(s.page_views)", "count(*)")},
            ("page per visit", "view per session", "page viewed per session", "page seen per session",
             "average page per session", "average number of page per session", "session depth", "depth of session"),
            n_of="sessions",
        ),
        Metric(
            "engagement_time", "engagement time per session", "seconds",
            {"sessions": Measure("coalesce(sum(s.engagement_time_msec), 0) / 1000.0", "count(*)")},
            ("engagement time", "time on site", "time spent", "average engagement time", "engagement time per session",
             "session time", "average session time", "time of session", "time per session", "average time per session",
             "average time on site", "average time spent", "time spent per session", "time on site per session",
             "minute per session", "second per session", "time spent on site", "average time spent on site",
             "time spent on site per session", "dwell time", "average dwell time"),
            n_of="sessions",
        ),
        Metric("time_on_page", "engagement time per page view", "seconds",
               {"page_views": Measure("coalesce(sum(v.engagement_time_msec), 0) / 1000.0", "count(*)")},
               ("reading time", "time on page", "time on a page", "time spent on page", "time spent per page",
                "time per page", "engagement time per page", "average reading time"), n_of="page views"),
        Metric(
            "key_events", "key events", "count", {"key_events": Measure("count(*)")},
            ("key event", "conversion event", "goal completion"),
        ),
        Metric(
            "conversion_rate", "conversion rate", "share",
            {"sessions": Measure(_count(_BOUGHT), "count(*)")},
            ("conversion rate", "conversion", "conv rate", "conv", "cr", "cvr", "convert", "converting", "converted",
             "converting session", "session with order", "session had an order", "sale conversion",
             "session conversion rate", "order rate", "buy rate", "buying rate", "converting rate",
             "sale conversion rate", "session to order rate", "session to order"),
            n_of="sessions", means="sessions with an order",
        ),
        Metric(
            "buyers", "buyers", "count",
            {
                "purchases": Measure(f"count(distinct case when {_ORDERED} then p.user_key end)"),
                "items": Measure("count(distinct i.user_key)"),
            },
            ("user buy", "buyer", "customer", "purchaser", "paying customer", "paying user", "shopper", "user bought",
             "customer bought", "user who bought", "customer who bought", "user ordered", "customer ordered"),
            means="users with an order",
        ),
        Metric(
            "buyer_share", "share of users with an order", "share",
            {"sessions": Measure(
                f"count(distinct case when {_BOUGHT} then s.user_key end)", "count(distinct s.user_key)"
            )},
            ("buyer share", "share of buyer", "user to buyer", "user to buyer rate", "user to buyer conversion",
             "user to buyer conversion rate", "share of user who bought", "user conversion rate", "buyer rate",
             "percent of user buy", "percent of user bought", "% of user buy", "% of user bought", "of visitor buy",
             "share of user buying", "percent of visitor who bought", "% of user who bought"),
            n_of="users",
        ),
        Metric(
            "orders", "orders", "count",
            {"purchases": Measure(_ORDERS), "items": Measure("count(distinct i.purchase_key)")},
            ("order", "purchase", "transaction", "how many sale", "number of sale", "sale count", "paid order",
             "completed order", "finished order", "successful order", "closed sale", "order volume",
             "quantity of order", "amount of order"),
        ),
        Metric(
            "refunded_orders", "orders with a refund", "count",
            {"purchases": Measure(_count(f"{_ORDERED} and p.refund_events > 0"))},
            ("order with refund", "refund", "refunded", "order returned", "refunded sale"),
        ),
        Metric(
            "refund_rate", "share of orders with a refund", "share",
            {"purchases": Measure(_count(f"{_ORDERED} and p.refund_events > 0"), _ORDERS)},
            ("refund rate", "return rate", "rate of refund", "share of refunded order", "percentage of refunded order",
             "share of order refunded",
             "percent of order refunded", "% of order refunded", "share of order with a refund"),
            n_of="orders", better=-1, count="refunded_orders",
        ),
        Metric(
            "refund_amount", "refunds", "money",
            {"purchases": Measure(_money("p.refund", known="p.refund is not null or p.refund_events = 0"),
                                  n=_count("p.refund_events > 0"), extra=_currency("p.refund"))},
            ("refund amount", "amount of refund", "refunded amount", "refund value", "value of refund"),
            n_of="orders with a refund", better=-1,
        ),
        Metric(
            "revenue", "revenue", "money", {"purchases": _REVENUE},
            ("revenue", "rev", "sale", "turnover", "income", "money", "earn", "earned", "earning", "gmv",
             "customer spend", "customer spent", "user spend", "user spent", "visitor spend", "people spend",
             "buyer spend", "shopper spend", "spender", "gross revenue", "cash", "taking", "proceed", "top line",
             "topline", "revenue of order", "value of order", "sale value", "sale figure", "shop revenue",
             "amount spent"),
            n_of="orders", otherwise="item_revenue",
        ),
        Metric(
            "net_revenue", "net revenue", "money", {"purchases": _NET},
            ("net revenue", "net rev", "revenue after refund", "revenue net of refund", "revenue minus refund",
             "revenue less refund", "revenue excluding refund", "revenue without refund"), n_of="orders",
            means="after refunds",
        ),
        *(
            Metric(
                name, name, "money",
                {"purchases": Measure(_charged(f"p.{name}"), n=f"count(p.{name})", extra=_currency(f"p.{name}"))},
                words, n_of="orders that report it", means="as reported with orders",
            )
            for name, words in (
                ("tax", ("tax", "taxes", "vat", "gst", "sale tax", "sales tax", "value added tax", "tax amount")),
                ("shipping", ("shipping", "shipping fee", "shipping charge", "shipping revenue", "shipping income",
                              "shipping amount", "delivery fee", "delivery charge", "postage")),
            )
        ),
        Metric(
            "aov", "average order value", "money",
            {"purchases": Measure(_REVENUE.value, _ORDERS, extra=_REVENUE.extra)},
            ("aov", "average order value", "avg order", "avg order value", "order value", "average cart size",
             "average cart value", "average order size", "order size", "average value of order",
             "value of average order", "size of average order", "average ticket", "average ticket size",
             "amount per cart", "average revenue per order", "spend per order", "average purchase value",
             "transaction value", "average transaction value", "cart value", "cart size", "average cart"),
            n_of="orders",
        ),
        Metric(
            "median_order_value", "median order value", "money",
            {"purchases": Measure(
                f"case when count(distinct p.currency) <= 1 then median(p.revenue) filter (where {_ORDERED}) end",
                n=_ORDERS, extra=_REVENUE.extra,
            )},
            ("median order value", "median order", "typical order value", "median cart", "median cart value",
             "median aov", "typical cart", "typical cart value", "typical order", "median revenue per order"),
            n_of="orders",
        ),
        Metric(
            "revenue_per_user", "revenue per user", "money",
            {"sessions": Measure(_OF_SESSIONS, "count(distinct s.user_key)", extra=_currency("s.revenue"))},
            ("revenue per user", "arpu", "rev per user", "valuable", "average revenue per user", "rpv", "rpu"),
            n_of="users",
        ),
        Metric(
            "revenue_per_buyer", "revenue per buyer", "money",
            {"purchases": Measure(
                _money("p.revenue * (p.user_key is not null)::int", known=f"p.user_key is null or {_EXPRESSED}"),
                f"count(distinct case when {_ORDERED} then p.user_key end)", extra=_REVENUE.extra,
            )},
            ("revenue per buyer", "average revenue per buyer", "arppu", "revenue per paying user"), n_of="buyers",
        ),
        Metric(
            "revenue_per_session", "revenue per session", "money",
            {"sessions": Measure(_OF_SESSIONS, "count(*)", extra=_currency("s.revenue"))},
            ("revenue per visit", "average revenue per session", "rev per session", "rps"), n_of="sessions",
        ),
        Metric(
            "items_sold", "items sold", "count",
            {"items": Measure("coalesce(sum(i.quantity), 0)", n="count(distinct i.purchase_key)")},
            ("unit sold", "quantity sold", "best selling", "bestselling", "bestseller", "best seller", "top seller",
             "top selling", "most sold", "selling", "item purchased", "unit", "piece", "sold unit", "sold quantity",
             "sale volume", "unit sale", "quantity", "number of unit", "unit shipped", "item bought", "item ordered",
             "seller", "most wanted", "in demand"),
            n_of="orders",
        ),
        Metric(
            "items_per_order", "items per order", "mean",
            {"items": Measure("sum(i.quantity)", "count(distinct i.purchase_key)")},
            ("unit per order", "average number of item per order", "average unit per order", "item per cart",
             "number of item per order", "item in order", "average item in order", "average number of item in order",
             "average item per cart", "cart size in item"), n_of="orders",
        ),
        Metric(
            "orders_per_buyer", "orders per buyer", "mean",
            {"purchases": Measure(
                _count(f"{_ORDERED} and p.user_key is not null"),
                f"count(distinct case when {_ORDERED} then p.user_key end)"
            )},
            ("order per buyer", "number of order per buyer", "average order per buyer", "order frequency",
             "average number of order per customer"), n_of="buyers",
        ),
        Metric(
            "sessions_per_user", "sessions per user", "mean",
            {"sessions": Measure("count(*)", "count(distinct s.user_key)")},
            ("visit per user", "average session per user", "average number of session per user", "session frequency"),
            n_of="users",
        ),
        *(
            Metric(
                f"median_{name}" if is_median else name,
                f"{'median' if is_median else 'average'} {label}", "mean",
                {table: Measure(f"{'median' if is_median else 'sum'}({days})", None if is_median else f"count({days})",
                                n=f"count({days})")},
                tuple(f"median {one}" for one in words) if is_median else words, n_of=n_of, better=-1,
            )
            for name, table, days, label, n_of, words in (
                ("days_to_order", "first_orders", "w.days", "time from first visit to first order", "buyers",
                 ("day to order", "time to order", "time to first order", "day to first order", "day to conversion",
                  "time to conversion", "day until first order", "day until order", "time until order",
                  "day to firstorder", "time to firstorder", "day until firstorder", "time until firstorder")),
                ("days_to_second_order", "orders_in_turn", "case when y.number = 2 then y.days end",
                 "time from first to second order", "buyers who ordered again",
                 ("day to second order", "time to second order")),
                ("visits_to_order", "first_orders", "w.visits", "visits to first order", "buyers",
                 ("visitstoorder", "visit until first order", "visit until firstorder")),
                ("pages_to_order", "views_to_order", "b.views", "pages to first order", "buyers",
                 ("pagestoorder", "page until first order", "page until firstorder")),
                ("days_between_orders", "orders_in_turn", "y.days", "time from one order of a user to the next",
                 "orders after the first", ("daysbetweenorders", "order interval", "reorder interval", "reorder time",
                  "repurchase interval", "repurchase time", "repurchase cycle", "purchase interval", "purchase cycle",
                  "time to reorder", "time to repurchase")),
            )
            for is_median in (False, True)
        ),
        Metric(
            "item_revenue", "item revenue", "money", {"items": _SALES},
            ("item revenue", "item sale", "product sale"), n_of="orders", means="price times quantity",
        ),
        Metric(
            "retention", f"share of new users who came back within {RETENTION_DAYS} days", "share",
            {"first_days": Measure(_count("r.came_back"), "count(*)")},
            ("retention", "retention rate", "new user come back", "new user return", "retained", "user come back"),
            n_of="new users",
        ),
        Metric(
            "cart_rate", "share of sessions with something added to the cart", "share",
            {"sessions": Measure(_count("f.step_2_at is not null"), "count(*)")},
            ("add to cart rate", "add to cart", "cart rate", "atc", "add cart rate", "added to cart", "atc rate",
             "cart addition rate", "cart addition"),
            n_of="sessions", count="cart_sessions",
        ),
        Metric(
            "checkout_rate", "share of sessions that began checkout", "share",
            {"sessions": Measure(_count("f.step_3_at is not null"), "count(*)")},
            ("checkout rate", "begin checkout rate"), n_of="sessions", count="checkout_sessions",
        ),
        Metric(
            "cart_abandonment", "cart abandonment", "share",
            {"sessions": Measure(
                _count("f.step_2_at is not null and f.step_6_at is null"), _count("f.step_2_at is not null")
            )},
            ("cart abandonment", "cart abandonment rate", "abandoned cart", "abandon cart", "cart without order"),
            n_of="sessions with a cart", better=-1, count="unfinished_carts", means="carts without an order",
        ),
        Metric(
            "checkout_abandonment", "checkout abandonment", "share",
            {"sessions": Measure(
                _count("f.step_3_at is not null and f.step_6_at is null"), _count("f.step_3_at is not null")
            )},
            ("checkout abandonment", "checkout abandonment rate", "abandoned checkout", "abandon checkout",
             "checkout abandoned", "checkout are abandoned", "checkout without order"),
            n_of="sessions that began checkout", better=-1, count="unfinished_checkouts",
            means="checkouts without an order",
        ),
        Metric(
            "cart_to_order", "share of carts that led to an order", "share",
            {"sessions": Measure(
                _count("f.step_2_at is not null and f.step_6_at is not null"), _count("f.step_2_at is not null")
            )},
            ("cart to order", "cart to order rate", "cart to order conversion", "cart conversion",
             "cart conversion rate"),
            n_of="sessions with a cart",
        ),
        Metric(
            "checkout_completion", "checkout completion", "share",
            {"sessions": Measure(
                _count("f.step_3_at is not null and f.step_6_at is not null"), _count("f.step_3_at is not null")
            )},
            ("checkout completion", "checkout completion rate", "checkout conversion", "checkout conversion rate",
             "checkout success rate", "checkout to order conversion", "completed checkout", "checkout to purchase",
             "checkout to order rate"),
            n_of="sessions that began checkout", means="checkouts with an order",
        ),
        Metric(
            "cart_sessions", "sessions with something added to the cart", "count",
            {"sessions": Measure(_count("f.step_2_at is not null"))},
            ("cart session", "session with a cart", "session with cart", "add to carts", "cart created", "cart started",
             "cart filled", "filled cart", "created cart"),
        ),
        *(
            Metric(name, label, "count", {table: Measure("count(*)")}, words)
            for name, table, label, words in (
                ("cart_additions", "cart_items", "cart additions",
                 ("cart additions of item",)),
                ("cart_removals", "removed_items", "cart removals",
                 ("cart removal", "removal from cart", "removed from cart", "remove from cart", "dropped from cart",
                  "item removed from cart", "taken out of cart")),
                ("wishlist_additions", "wished_items", "wishlist additions",
                 ("wishlist addition", "addition to wishlist", "wishlist add")),
                ("item_views", "viewed_items", "item views",
                 ("item view", "number of product view", "number of item view")),
            )
        ),
        Metric(
            "unfinished_carts", "sessions with a cart and without an order", "count",
            {"sessions": Measure(_count("f.step_2_at is not null and f.step_6_at is null"))},
            ("unfinished cart",),
        ),
        Metric(
            "unfinished_checkouts", "sessions that began checkout and have no order", "count",
            {"sessions": Measure(_count("f.step_3_at is not null and f.step_6_at is null"))},
            ("unfinished checkout",),
        ),
        Metric(
            "cart_users", "users who added something to the cart", "count",
            {"sessions": Measure("count(distinct case when f.step_2_at is not null then s.user_key end)")},
            ("cart user", "user added to cart", "user add to cart", "customer added to cart", "customer add to cart"),
        ),
        Metric(
            "product_view_sessions", "sessions with a product view", "count",
            {"sessions": Measure(_count("f.step_1_at is not null"))},
            ("session with a product view", "product view", "product detail view", "product impression"),
            otherwise="item_views",
        ),
        Metric(
            "product_view_rate", "share of sessions with a product view", "share",
            {"sessions": Measure(_count("f.step_1_at is not null"), "count(*)")},
            ("product view rate", "viewed a product", "view a product"), n_of="sessions", count="product_view_sessions",
        ),
        *(metric for pair in combinations(STEPS, 2) for metric in _drop_off(*pair)),
        *(_step_time(*pair) for pair in combinations(STEPS, 2)),
        *(_step_rate(*pair) for pair in combinations(STEPS, 2) if pair not in OF_CARTS),
        Metric(
            "funnel", "sessions", "count",
            {"steps": Measure("count(distinct q.session_key)")},
            ("funnel", "checkout funnel", "sale funnel", "conversion funnel", "buying funnel", "shopping funnel"),
            means="that reached the step or a later one",
        ),
        Metric("entrances", "entrances", "count", {"page_views": Measure(_count("v.is_entrance"))}, ("entrance",),
               means="first page views of sessions"),
        Metric(
            "exits", "exits", "count", {"page_views": Measure(_count("v.is_exit"))},
            ("exit", "leave the site from", "left the site from", "leave from", "exit the site from"),
            means="last page views of sessions",
        ),
        Metric(
            "exit_rate", "exit rate", "share", {"page_views": Measure(_count("v.is_exit"), "count(*)")}, ("exit rate",),
            n_of="page views", better=-1, count="exits", means="page views that were the last of their session",
        ),
        Metric(
            "checkout_sessions", "sessions that began checkout", "count",
            {"sessions": Measure(_count("f.step_3_at is not null"))},
            ("checkout session", "session reach checkout", "session reached checkout", "session that reached checkout",
             "session began checkout", "session started checkout", "session with a checkout", "checkout started",
             "checkout were started", "started checkout", "checkout begun", "checkout start"),
        ),
        # asked for by the predictions' own answers
        Metric(
            "expected_buyers", "expected buyers", "count",
            {"predictions": Measure("sum(e.probability)", n="count(*)")}, (), n_of="users",
        ),
    )
}  # fmt: skip

CHARGES = ("tax", "shipping")  # of orders, where the site reports them
PEOPLE_COUNTED = ("users", "buyers", "new_users", "returning_users", "active_users")  # metrics that are people
# metrics that count steps as the funnel does: a step is reached with a later one too
OF_STEPS = {
    one.name: pair
    for pair in combinations(STEPS, 2)
    for one in (*_drop_off(*pair), *([] if pair in OF_CARTS else [_step_rate(*pair)]))
}
