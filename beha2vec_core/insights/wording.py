"""Words for metrics and numbers, for all who show facts or write about them. Each number is written one way."""

import re
from dataclasses import dataclass

from beha2vec_core.profiles.measures import STEP_TO
from beha2vec_core.profiles.words import is_money, money

FULL_STOP = r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bapprox\.)"  # as a pattern: after the end of a sentence


@dataclass(frozen=True)
class Words:
    """What a metric counts, in words; ``{}`` of a statement or label is the place of the feature.

    statement: what a value says, after "412 users: 12% ..." or "5.2 ...". label: what is counted, for a chart or table.
    clause: what users do, with ``{}`` for the value and ``{subject}`` and ``{feature}`` in their places; by default the
    statement after the value.
    """

    statement: str
    label: str
    clause: str = ""


WORDS = {
    "users": Words("users", "users"),
    "user_share": Words("of all users", "share of all users"),
    "page_views_mean": Words("page views per user", "page views per user", "{subject} have {} page views each"),
    "page_views_median": Words(
        "page views of the middle user", "page views of the middle user", "the median of {subject} is {} page views"
    ),
    "sessions_mean": Words("sessions per user", "sessions per user", "{subject} have {} sessions each"),
    "sessions_median": Words("sessions of the middle user", "sessions of the middle user"),
    "engagement_time_mean": Words(
        "seconds of engagement per user", "seconds engaged per user", "{subject} have {} seconds of engagement each"
    ),
    "engagement_time_median": Words(
        "seconds of engagement of the middle user",
        "seconds engaged of the middle user",
        "the median of {subject} is {} seconds of engagement",
    ),
    "no_engagement_time_share": Words(
        "of users have no engagement time",
        "users without engagement time",
        "{} of {subject} have no engagement time",
    ),
    "one_page_view_share": Words(
        "of users had a single page view", "users with a single page view", "{} of {subject} had a single page view"
    ),
    "return_share": Words(
        "of users came back for another session",
        "users who came back for another session",
        "{} of {subject} came back for another session",
    ),
    "first_week_return_rate": Words(
        "of users came back within a week of their first day, where that week is over",
        "users back within a week of their first day, where that week is over",
        "{} of {subject} came back within a week of their first day, where that week is over",
    ),
    "churn_rate": Words(
        "of users who were seen before were not seen in the last week",
        "users seen before who were not seen in the last week",
        "{} of {subject} who were seen before were not seen in the last week",
    ),
    "recency_mean": Words(
        "days since a user was last seen", "days since last seen", "{subject} were last seen {} days ago on average"
    ),
    "recency_median": Words("days since the middle user was last seen", "days since the middle user was last seen"),
    "view_item_share": Words("of users viewed an item", "users who viewed an item", "{} of {subject} viewed an item"),
    "add_to_cart_share": Words(
        "of users put something into the cart",
        "users who put something into the cart",
        "{} of {subject} put something into the cart",
    ),
    "begin_checkout_share": Words(
        "of users began checkout", "users who began checkout", "{} of {subject} began checkout"
    ),
    "reached_item_share": Words(
        "of users reached at least the view of an item",
        "users who reached at least the view of an item",
        "{} of {subject} reached at least the view of an item",
    ),
    "reached_cart_share": Words(
        "of users reached at least the cart",
        "users who reached at least the cart",
        "{} of {subject} reached at least the cart",
    ),
    "reached_checkout_share": Words(
        "of users reached at least the checkout",
        "users who reached at least the checkout",
        "{} of {subject} reached at least the checkout",
    ),
    "furthest_step_mean": Words(
        "is the furthest step towards a purchase of a user on average",
        "furthest step to a purchase, of 4, per user",
        "the furthest step of {subject} towards a purchase is {} on average",
    ),
    "furthest_step_median": Words(
        "is the furthest step towards a purchase of the middle user",
        "furthest step to a purchase, of 4, of the middle user",
    ),
    "purchase_rate": Words("of users bought", "users who bought", "{} of {subject} bought"),
    "revenue_mean": Words("of revenue per user", "revenue per user", "{subject} spend {} each"),
    "revenue_median": Words("of revenue of the middle user", "revenue of the middle user"),
    "error_page_user_share": Words(
        "of users met an error page", "users who met an error page", "{} of {subject} met an error page"
    ),
    "error_page_view_share": Words(
        "of page views were error pages", "page views that were errors", "{} of their page views were error pages"
    ),
    "error_page_views_mean": Words(
        "error pages per user", "views of error pages per user", "{subject} meet {} error pages each"
    ),
    "error_page_views_median": Words("error pages of the middle user", "views of error pages of the middle user"),
    "users_before": Words("users a week before", "users a week before"),
    "inflow": Words("users who came in the last week", "users who came in the last week"),
    "outflow": Words("users who left in the last week", "users who left in the last week"),
    "inflow_before": Words("users who came in the week before", "users who came in the week before"),
    "outflow_before": Words("users who left in the week before", "users who left in the week before"),
    "inflow_share": Words(
        "of its users came in the last week, new or from another cluster",
        "users who came in the last week, of those here now",
        "{} of {subject} came in the last week",
    ),
    "outflow_share": Words(
        "of its earlier users left it in the last week",
        "users who left in the last week, of those here before it",
        "{} of those who were here before left in the last week",
    ),
    # of pages, themes and other features
    "page_share": Words("of users viewed the page {}", "users who viewed {}", "{} of {subject} viewed {feature}"),
    "theme_share": Words(
        "of users viewed pages about {}",
        "users who viewed pages about {}",
        "{} of {subject} viewed pages about {feature}",
    ),
    "page_type_share": Words(
        "of users viewed {} pages", "users who viewed {} pages", "{} of {subject} viewed {feature} pages"
    ),
    "theme_view_share": Words(
        "of a user's page views on average were about {}",
        "views about {}",
        "pages about {feature} take {} of their page views",
    ),
    "page_type_view_share": Words(
        "of a user's page views on average were {} pages",
        "views of {} pages",
        "{feature} pages take {} of their page views",
    ),
    "landing_page_share": Words(
        "of users landed on {} in their first session",
        "users who landed on {} in their first session",
        "{} of {subject} landed on {feature} in their first session",
    ),
    "first_user_source_share": Words(
        "of users have {} as first user source",
        "first user source {}",
        "{} of {subject} have {feature} as first user source",
    ),
    "first_user_medium_share": Words(
        "of users have {} as first user medium",
        "first user medium {}",
        "{} of {subject} have {feature} as first user medium",
    ),
    "first_user_direct_share": Words(
        "of users have a direct visit as first user source",
        "users with a direct visit as first user source",
        "{} of {subject} have a direct visit as first user source",
    ),
    "device_share": Words("of users were on {}", "users on {}", "{} of {subject} use {feature}"),
    "browser_share": Words("of users used {}", "users of {}", "{} of {subject} use {feature}"),
    "country_share": Words("of users were in {}", "users in {}", "{} of {subject} were in {feature}"),
    "event_share": Words(
        "of users triggered the event {}",
        "users who triggered {}",
        "{} of {subject} triggered the event {feature}",
    ),
    "item_viewed_share": Words(
        "of users viewed the item “{}”", "users who viewed the item {}", "{} of {subject} viewed the item “{feature}”"
    ),
    "item_bought_share": Words(
        "of users bought the item “{}”", "users who bought the item {}", "{} of {subject} bought the item “{feature}”"
    ),
    "item_category_viewed_share": Words(
        "of users viewed items of {}", "users who viewed items of {}", "{} of {subject} viewed items of {feature}"
    ),
    "path_step_share": Words(
        "of users went {} within a session", "users who went {}", "{} of {subject} went {feature}"
    ),
    "hour_block_event_share": Words(
        "of a user's events on average were in the {}",
        "events in the {}",
        "{} of their events fall into the {feature}",
    ),
}
LABEL_METRICS = {"theme_share", "page_type_share", "theme_view_share", "page_type_view_share"}
PAGE_METRICS = {"page_share", "landing_page_share"}
_SOURCES = {"(direct) / (none)": "a direct visit"}
_DEVICES = {"mobile": "a phone", "desktop": "a desktop computer", "tablet": "a tablet", "smart tv": "a television"}
_SINGULAR = {
    "page views": "page view", "views": "view", "error pages": "error page", "pages": "page", "sessions": "session",
    "seconds": "second", "days": "day", "steps": "step", "users": "user",
}  # fmt: skip
# what is counted, right after its number
COUNTED = re.compile(rf"(\s+)({'|'.join(_SINGULAR)})\b")


def label_words(label: str) -> str:
    """A theme or page type in words: bags_and_luggage -> bags and luggage."""
    return label.replace("_", " ")


def feature_words(metric: str, feature: str) -> str:
    """A feature of the metric in words."""
    if metric in LABEL_METRICS:
        return label_words(feature)
    if metric == "path_step_share" and STEP_TO in feature:
        return _step_words(*label_words(feature).split(STEP_TO, 1))
    words = {"device_share": _DEVICES, "first_user_source_share": _SOURCES}.get(metric, {})
    return words.get(feature, feature)


def _step_words(start: str, end: str) -> str:
    return f"from one {start} page to the next" if start == end else f"from {start} to {end} pages"


def statement(metric: str, feature: str | None) -> str:
    """What a value of the metric says: 'of users viewed pages about bags and luggage'."""
    words = WORDS.get(metric)
    return _of_feature(metric, feature, words.statement if words else metric.replace("_", " "))


def label(metric: str, feature: str | None) -> str:
    """What is counted, for a chart or table: 'users who bought'."""
    words = WORDS.get(metric)
    return _of_feature(metric, feature, words.label if words else metric.replace("_", " "))


def _of_feature(metric: str, feature: str | None, words: str) -> str:
    if feature is None:
        return words.replace(" {}", "")
    feature = feature_words(metric, feature)
    return words.replace("{}", feature) if "{}" in words else f"{words} {feature}"


def happening(metric: str, feature: str | None, subject: str = "them") -> str:
    """What users do, with ``{}`` where the value belongs: '{} of them bought'."""
    known = WORDS.get(metric)
    words = known.clause if known and known.clause else "{} " + statement(metric, feature).replace("{", "(")
    if subject == "them" and words.startswith("{subject}"):
        subject = "they"
    shown = feature_words(metric, feature or "").replace("{", "(").replace("}", ")")
    return words.replace("{subject}", subject).replace("{feature}", shown)


def number(value: float, unit: str) -> str:
    """A value as it is written: 12.3%, 1,204, 5.2, 24.50 EUR."""
    if unit == "share":
        return _percent(100 * value)
    if unit == "users":
        return f"{value:,.0f}"
    if is_money(unit):
        return money(value, unit)
    if 0 < value < 0.995:  # 0.03 error pages are not 0.0
        return f"{value:.2f}" if value >= 0.005 else "less than 0.01"
    return f"{value:,.0f}" if value == round(value) or value >= 99.95 else f"{value:,.1f}"


def _percent(percent: float) -> str:
    """0% and 100% are nobody and everybody, not nearly so."""
    if percent in (0.0, 100.0):
        return f"{percent:.0f}%"
    if percent < 0.05:
        return "less than 0.1%"
    if percent >= 99.95:
        return "more than 99.9%"
    return f"{percent:.0f}%" if 9.95 <= percent < 99.5 else f"{percent:.1f}%"


def counted(shown: str, noun: str) -> str:
    """A number and what is counted, as `COUNTED` finds it: '3 sessions', '1 session'."""
    return shown + (
        COUNTED.sub(lambda match: match.group(1) + _SINGULAR[match.group(2)], noun, 1) if shown == "1" else noun
    )
