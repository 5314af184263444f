"""The metrics: one entry each, with all that is known of it. Adding a metric is adding an entry to `METRICS`.

Its SQL, its words, the words of a question that ask for it and where it is shown stand together; measures, insights,
the explorer and the chat read them here.
"""

from typing import TypeVar

from beha2vec_core.dbt_vars import PURCHASE_EVENTS
from beha2vec_core.profiles.metric import NUMBERS, Feature, Metric, Number, Question, Ratio, Share
from beha2vec_core.words import UNKNOWN_CURRENCY

NOT_SET = "(not set)"
UNKNOWN = "unknown"
STEP_TO = " → "
ENTRANCE, EXIT = "(entrance)", "(exit)"  # where the steps of a session begin and end
USERS, VIEWS, EVENTS = "profile_users", "profile_views", "profile_events"  # temporary tables of `measures.measured`
STANDS_OUT, STEPS = "What stands out", "Steps to a purchase"  # sections of the explorer, beside NUMBERS

_VIEWED = f"select cluster_key, number, {{}} as feature, views as amount from {VIEWS}"
_ITEMS = f"""
    select u.cluster_key, {{item}} as feature, count(distinct u.number) as users
    from {{{{sources.event_items}}}} as i
    join {{{{sources.identities}}}} as m on m.client_key = i.client_key
    join {USERS} as u on u.user_key = m.user_key
    where i.event_name in {{events}} and {{item}} is not null group by 1, 2"""
_PURCHASES = f"({', '.join(map(repr, PURCHASE_EVENTS))})"
_NAME = "coalesce(i.item_name, i.item_id)"
# GA4's "First user source / medium": of the user's first visit, which may be before the export
_SOURCE = f"""case when {{source}} is null then '{NOT_SET}' else {{source}} || ' / ' || coalesce(
    {{medium}}, case when {{source}} = '(direct)' then '(none)' else '{NOT_SET}' end) end"""
_MEDIUM = "case when {source} = '(direct)' then coalesce({medium}, '(none)') else {medium} end"
_DIRECT = """case when count(users.first_user_source) over () > 0
    then coalesce(users.first_user_source = '(direct)', false) end"""
# churned: not seen in the last days; asked of those who were seen before them. Returned in the first week: seen again
# on another day, at most this many days after the first; asked of those whose first day was that long ago. The first
# day is that of GA4's first session, which of users seen before the export is not in it
_CHURNED = """case when list_min(days) <= data.last_day - {period}
    then session_totals.last_day <= data.last_day - {period} end"""
_FIRST_WEEK = """case when first_day <= data.last_day - {period}
    then len(list_filter(days, lambda day: day > first_day and day <= first_day + {period})) > 0 end"""
_ENGAGED = """case when count(users.engagement_time_msec) over () > 0
    then coalesce(users.engagement_time_msec, 0) / 1000.0 end"""
_FURTHEST = "case when count(funnels.steps) over () > 0 then coalesce(funnels.steps, 0)::double end"
_PATH_STEP = f"""select cluster_key, from_step || '{STEP_TO}' || to_step as feature, users from {{sources.steps}}
    where from_step <> '{ENTRANCE}' and to_step <> '{EXIT}'"""
# night is from 0 to 6, each block six hours
_HOURS = f"""select cluster_key, number, events as amount,
        ['night', 'morning', 'afternoon', 'evening'][1 + hour_block] as feature from {EVENTS}"""

_ENTRIES = (
    # -- size --
    Metric(
        "users", unit="users", statement="users", sections=(),
        asked=(Question(r"big\w*|large\w*|size\w*|small\w*|users|many|share", 99, beside=("user_share",)),),
    ),
    Metric("user_share", statement="of all users", label="share of all users", sections=()),
    # -- users who did it, of all or of those who could --
    Metric(
        "no_engagement_time_share", Share("engagement_time = 0"), did="have no engagement time", better=-1,
        label="users without engagement time", over="unengaged idle",
    ),
    Metric(
        "one_page_view_share", Share("coalesce(users.page_views, 0) = 1"), did="had a single page view", better=-1,
        label="users with a single page view", over="one single bouncing bouncers passing",
        asked=(Question(r"bounc\w*|one page|single page", 60),),
    ),
    Metric(
        "return_share", Share("coalesce(came_back, false)"), did="came back for another session", better=1,
        # GA4 numbers the sessions of a user from the first visit, which may be before the export
        clause="{} of {subject} came back for another session, counting visits before the export",
        over="returning regular regulars repeat loyal frequent", under="first time new occasional",
        asked=(Question(
            r"return(?!s)\w*|come back|came back|comes back|loyal\w*|retention|again", 14, beside=("sessions_mean",),
        ),),
    ),
    Metric(
        "first_user_direct_share", Share(_DIRECT), did="have a direct visit as first user source",
        label="users with a direct visit as first user source", asked=(Question(r"direct\w*", 31),),
    ),
    # `<event>_share` counts users with the event; `reached_<step>_share` those with it or with a later step
    Metric(
        "view_item_share", Share(event="view_item", needs_support=True), did="viewed an item", better=1,
    ),
    Metric(
        "add_to_cart_share", Share(event="add_to_cart", needs_support=True), did="put something into the cart",
        over="cart basket", better=1, asked=(Question(r"carts?|baskets?", 12, beside=("reached_cart_share",)),),
    ),
    Metric(
        "begin_checkout_share", Share(event="begin_checkout", needs_support=True), did="began checkout", better=1,
    ),
    Metric(
        "reached_item_share", Share("furthest_step >= 1", needs_support=True), sections=(STEPS,), better=1,
        did="reached at least the view of an item",
    ),
    Metric(
        "reached_cart_share", Share("furthest_step >= 2", needs_support=True), sections=(STEPS,), better=1,
        did="reached at least the cart",
    ),
    Metric(
        "reached_checkout_share", Share("furthest_step >= 3", needs_support=True), sections=(STEPS,), better=1,
        did="reached at least the checkout",
    ),
    Metric(
        "purchase_rate", Share("coalesce(users.purchases, 0) > 0"), did="bought", better=1, is_outcome=True,
        over="purchasing converting",
        asked=(Question(
            r"buy\w*|bought|purchas\w*|convert\w*|conver\w*|orders?|customers?", 11, beside=("revenue_mean",),
        ),),
        sections=(NUMBERS, STEPS),
    ),
    Metric(
        "first_week_return_rate", Share(_FIRST_WEEK), better=1, is_outcome=True,
        did="came back within a week of their first day, where that week is over",
        label="users back within a week of their first day, where that week is over",
    ),
    Metric(
        "churn_rate", Share(_CHURNED), did="who were seen before were not seen in the last week", better=-1,
        label="users seen before who were not seen in the last week", is_outcome=True,
        asked=(Question(r"churn\w*|leav(?:e|es|ing)|stay(?:s|ed)? away", 35, beside=("recency_median",)),),
    ),
    Metric(
        "error_page_user_share", Share("coalesce(session_totals.error_page_views, 0) > 0"), did="met an error page",
        over="error", better=-1, asked=(Question(
            r"errors?|broken|404|technical|problems?", 15, beside=("error_page_view_share",),
        ),),
    ),
    # -- numbers of a user --
    Metric(
        "page_views_mean", Number("coalesce(users.page_views, 0)::double"), "page views", better=1,
        statement="page views per user", clause="{subject} have {} page views each",
        over="thorough active heavy deep intensive", under="brief quick light casual",
        asked=(Question(r"page views?|views?|active|activity", 62, beside=("page_views_median",)),),
    ),
    Metric(
        "page_views_median", unit="page views", statement="page views of the median user", better=1,
        clause="the median of {subject} is {} page views",
    ),
    Metric(
        "sessions_mean", Number("coalesce(users.sessions, 0)::double"), "sessions", better=1,
        statement="sessions per user", clause="{subject} have {} sessions each",
        asked=(Question(r"sessions?|visits?", 61),),
    ),
    Metric("sessions_median", unit="sessions", statement="sessions of the median user", better=1),
    Metric(
        "engagement_time_mean", Number(_ENGAGED), "seconds", statement="seconds of engagement per user", better=1,
        label="seconds engaged per user", clause="{subject} have {} seconds of engagement each",
        over="engaged attentive absorbed", under="brief quick fleeting",
        asked=(Question(r"engage\w*|time|seconds|minutes|long", 59, beside=("no_engagement_time_share",)),),
    ),
    Metric(
        "engagement_time_median", unit="seconds", statement="seconds of engagement of the median user", better=1,
        label="seconds engaged of the median user", clause="the median of {subject} is {} seconds of engagement",
    ),
    Metric(
        "recency_mean", Number("(data.last_day - session_totals.last_day)::double"), "days", better=-1,
        statement="days since a user was last seen", label="days since last seen",
        clause="{subject} were last seen {} days ago on average",
    ),
    Metric("recency_median", unit="days", statement="days since the median user was last seen", better=-1),
    Metric(
        "revenue_mean", Number("{revenue}"), UNKNOWN_CURRENCY, statement="of revenue per user", better=1,
        label="revenue per user", clause="{subject} spend {} each",
        asked=(Question(r"revenue|spend\w*|spent|money|value", 13, beside=("purchase_rate",)),),
    ),
    Metric(
        "revenue_median", unit=UNKNOWN_CURRENCY, statement="of revenue of the median user", better=1,
        label="revenue of the median user",
    ),
    Metric(
        "furthest_step_mean", Number(_FURTHEST), "steps", better=1,
        statement="of 4 steps towards a purchase reached by a user on average",
        label="furthest of 4 steps to a purchase, per user",
        clause="the furthest step of {subject} towards a purchase is {} on average",
    ),
    Metric(
        "furthest_step_median", unit="steps", better=1,
        statement="of 4 steps towards a purchase reached by the median user",
        label="furthest of 4 steps to a purchase, of the median user",
    ),
    Metric(
        "error_page_views_mean", Number("coalesce(session_totals.error_page_views, 0)::double"), "page views",
        better=-1, statement="error pages per user", label="views of error pages per user",
        clause="{subject} meet {} error pages each",
    ),
    Metric(
        "error_page_views_median", unit="page views", better=-1, statement="error pages of the median user",
        label="views of error pages of the median user",
    ),
    Metric(
        "error_page_view_share", Ratio("error_page_views", "views_in_sessions"), better=-1,
        statement="of page views were error pages", label="page views that were errors",
        clause="{} of their page views were error pages",
    ),
    # -- a user has exactly one value: shares of a cluster sum to 1 --
    Metric(
        "landing_page_share", Feature("landing_page", "value", "{landing}", is_text=True), features="page",
        did="landed on {} in their first session", asked=(Question(r"land\w*|entrance\w*|entry", 32),),
        sections=("Landing pages",),
    ),
    Metric(
        "first_user_source_share", Feature("first_user_source", "value", _SOURCE, is_text=True), features="channel",
        did="have {} as first user source", label="first user source {}",
        asked=(Question(
            r"channels?|sources?|traffic|com(?:e|es|ing) from|came from|campaigns?|acqui\w*|arriv\w*|referr\w*", 30,
            beside=("first_user_direct_share",),
        ),),
        sections=(STANDS_OUT, "First user source"),
    ),
    Metric(
        "first_user_medium_share", Feature("first_user_medium", "value", _MEDIUM, is_text=True),
        did="have {} as first user medium", label="first user medium {}", sections=("First user source",),
    ),
    Metric(
        "device_share", Feature("device", "value", "users.device_category"), features="device",
        statement="of users were on {}", label="users on {}", did="use {}", sections=(STANDS_OUT, "Devices"),
        asked=(
            Question(r"mobile|phones?|smartphones?", 16, feature="mobile"),
            Question(r"desktop|computers?", 17, feature="desktop"), Question(r"tablets?", 18, feature="tablet"),
            Question(r"devices?", 19),
        ),
    ),
    Metric(
        "browser_share", Feature("browser", "value", "users.browser"), features="browser", did="use {}",
        statement="of users used {}", label="users of {}", asked=(Question(r"browsers?", 20),), sections=("Browsers",),
    ),
    Metric(
        "country_share", Feature("country", "value", "users.country"), features="country", did="were in {}",
        label="users in {}", asked=(Question(r"countr\w*|geograph\w*|where from|live", 21),),
        sections=(STANDS_OUT, "Countries"),
    ),
    # -- a user may have several: shares sum to more than 1 --
    Metric(
        "page_share", Feature(
            "page", "had", f"select cluster_key, page_key as feature, count(*) as users from {VIEWS} group by all",
            is_text=True,
        ),
        features="page",
        statement="of users viewed the page {}", did="viewed {}", asked=(Question(r"pages?|urls?", 63),),
        sections=("Pages",),
    ),
    Metric(
        "theme_share", Feature("theme", "given", "theme_views"), features="theme", did="viewed pages about {}",
        sections=(),
    ),
    Metric(
        "page_type_share", Feature("page_type", "given", "page_type_views"), features="page type",
        did="viewed {} pages", sections=(),
    ),
    Metric(
        "event_share", Feature(
            "event", "had",
            f"""select cluster_key, event_name as feature, count(*) as users
            from (select distinct cluster_key, number, event_name from {EVENTS}) group by all""",
            is_text=True,
        ),
        features="event", did="triggered the event {}", label="users who triggered {}",
        asked=(Question(r"events?|actions?", 37),), sections=("Events",),
    ),
    Metric(
        "item_viewed_share",
        Feature("item_viewed", "had", _ITEMS.format(item=_NAME, events="('view_item')"), is_text=True),
        did="viewed the item “{}”", label="users who viewed the item {}", sections=("Items",),
        asked=(Question(r"items?", 38, beside=("item_category_viewed_share",)),),
    ),
    Metric(
        "item_bought_share",
        Feature("item_bought", "had", _ITEMS.format(item=_NAME, events=_PURCHASES), is_text=True),
        did="bought the item “{}”", label="users who bought the item {}", sections=("Items",),
    ),
    Metric(
        "item_category_viewed_share", Feature(
            "item_category_viewed", "had", _ITEMS.format(item="i.item_category", events="('view_item')"), is_text=True,
        ),
        features="item category", did="viewed items of {}", sections=("Items",),
    ),
    Metric(
        "path_step_share", Feature("path_step", "had", _PATH_STEP), features="path", did="went {}",
        statement="of users went {} within a session", sections=("Ways through the site",),
    ),
    # -- how what a user did divides, each user weighing the same: sums to 1, and does not grow with activity --
    Metric(
        "theme_view_share", Feature("theme_views", "divided", _VIEWED.format("theme")), features="theme",
        statement="of a user's page views on average were about {}", label="views about {}",
        clause="pages about {feature} take {} of their page views",
        asked=(Question(r"themes?|topics?|interest\w*|products?|categor\w*", 34, beside=("theme_share",)),),
        sections=(STANDS_OUT, "Themes"),
    ),
    Metric(
        "page_type_view_share", Feature("page_type_views", "divided", _VIEWED.format("page_type")),
        statement="of a user's page views on average were {} pages", label="views of {} pages", features="page type",
        clause="{feature} pages take {} of their page views",
        asked=(Question(r"page types?", 33, beside=("page_type_share",)),), sections=(STANDS_OUT, "Page types"),
    ),
    Metric(
        "hour_block_event_share", Feature("hour_block_events", "divided", _HOURS), features="hours",
        statement="of a user's events on average were in the {}", label="events in the {}",
        clause="{} of their events fall into the {feature}", sections=("Time of day",),
        asked=(Question(r"hours?|time of (?:the )?day|mornings?|evenings?|nights?", 36),),
    ),
    # -- predictions, by `measures.expected_buyers` --
    Metric(
        "expected_buyers", unit="users", better=1, statement="users expected to buy",
        clause="we expect {} of {subject} to buy {feature}", sections=(),
    ),
    # -- moves between clusters, counted by `flows` --
    Metric("users_before", unit="users", statement="users a week before", sections=()),
    Metric("inflow", unit="users", statement="users who came in the last week", sections=()),
    Metric("outflow", unit="users", statement="users who left in the last week", sections=()),
    Metric("inflow_before", unit="users", statement="users who came in the week before", sections=()),
    Metric("outflow_before", unit="users", statement="users who left in the week before", sections=()),
    Metric(
        "inflow_share", statement="of its users came in the last week, new or from another cluster",
        label="users who came in the last week, of those here now", clause="{} of {subject} came in the last week",
        sections=(),
    ),
    Metric(
        "outflow_share", statement="of its earlier users left it in the last week",
        label="users who left in the last week, of those here before it",
        clause="{} of those who were here before left in the last week", sections=(),
    ),
)  # fmt: skip
METRICS = {metric.name: metric for metric in _ENTRIES}
_Kind = TypeVar("_Kind", Share, Number, Ratio, Feature)


def metric(name: str) -> Metric:
    """The metric of this name; of a name that is not known, one with its name only."""
    return METRICS.get(name) or Metric(name, statement=name.replace("_", " "), sections=())


def measured_as(kind: type[_Kind]) -> list[tuple[Metric, _Kind]]:
    """The metrics that are measured so, with how."""
    return [(one, one.measured) for one in METRICS.values() if isinstance(one.measured, kind)]
