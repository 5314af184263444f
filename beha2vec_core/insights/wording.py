"""Words for metrics and numbers. Each number is written one way, by both narrators."""

from beha2vec_core.profiles.measures import STEP_TO
from beha2vec_core.words import is_money, money

FULL_STOP = r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bapprox\.)"  # as a pattern: after the end of a sentence
# what a value says, after "412 users: 12% ..." or "5.2 ..."
METRICS = {
    "users": "users",
    "user_share": "of all users",
    "page_views_mean": "page views per user",
    "page_views_median": "page views of the middle user",
    "sessions_mean": "sessions per user",
    "engagement_time_mean": "seconds of engagement per user",
    "no_engagement_share": "of users showed no engagement",
    "one_page_share": "of users viewed a single page",
    "return_share": "of users came back for another session",
    "direct_share": "of users came directly the first time",
    "purchase_rate": "of users bought",
    "revenue_mean": "revenue per user",
    "error_page_user_share": "of users met an error page",
    "error_page_share": "of page views were error pages",
    "sessions_median": "sessions of the middle user",
    "engagement_time_median": "seconds of engagement of the middle user",
    "revenue_median": "revenue of the middle user",
    "recency_mean": "days since a user was last seen",
    "recency_median": "days since the middle user was last seen",
    "funnel_steps_mean": "steps towards a purchase per user",
    "funnel_steps_median": "steps towards a purchase of the middle user",
    "error_pages_mean": "error pages per user",
    "error_pages_median": "error pages of the middle user",
    "return_rate": "of users came back within a week of their first day",
    "churn_rate": "of users who were seen before were not seen in the last week",
    "users_before": "users a week before",
    "inflow": "users who came in the last week",
    "outflow": "users who left in the last week",
    "inflow_before": "users who came in the week before",
    "outflow_before": "users who left in the week before",
    "inflow_share": "of its users came in the last week, new or from another cluster",
    "outflow_share": "of its earlier users left it in the last week",
    "page_share": "of users viewed the page {}",
    "theme_share": "of users viewed pages about {}",
    "page_type_share": "of users viewed {} pages",
    "theme_view_share": "of a user's page views on average were about {}",
    "page_type_view_share": "of a user's page views on average were {} pages",
    "landing_page_share": "of users first landed on {}",
    "channel_share": "of users first came through {}",
    "device_share": "of users were on {}",
    "browser_share": "of users used {}",
    "country_share": "of users were in {}",
    "event_share": "of users triggered the event {}",
    "item_viewed_share": "of users viewed the item “{}”",
    "item_bought_share": "of users bought the item “{}”",
    "item_category_share": "of users viewed items of {}",
    "path_step_share": "of users went {} within a session",
    "funnel_rate": "of users came as far as {}",
    "hour_block_share": "of a user's events on average were in the {}",
}
# the same as a clause: what these users do, with a place for the value
HAPPENINGS = {
    "page_views_mean": "{subject} have {} page views each",
    "page_views_median": "the median of {subject} is {} page views",
    "sessions_mean": "{subject} have {} sessions each",
    "engagement_time_mean": "{subject} have {} seconds of engagement each",
    "revenue_mean": "{subject} spend {} each",
    "no_engagement_share": "{} of {subject} showed no engagement",
    "one_page_share": "{} of {subject} viewed a single page",
    "return_share": "{} of {subject} came back for another session",
    "direct_share": "{} of {subject} came directly",
    "purchase_rate": "{} of {subject} bought",
    "engagement_time_median": "the median of {subject} is {} seconds of engagement",
    "recency_mean": "{subject} were last seen {} days ago on average",
    "funnel_steps_mean": "{subject} take {} steps towards a purchase each",
    "error_pages_mean": "{subject} meet {} error pages each",
    "return_rate": "{} of {subject} came back within a week of their first day",
    "churn_rate": "{} of {subject} stayed away in the last week",
    "inflow_share": "{} of {subject} came in the last week",
    "outflow_share": "{} of {subject} left in the last week",
    "funnel_rate": "{} of {subject} {feature}",
    "event_share": "{} of {subject} triggered the event {feature}",
    "hour_block_share": "{} of their activity falls into the {feature}",
    "item_category_share": "{} of {subject} viewed items of {feature}",
    "path_step_share": "{} of {subject} went {feature}",
    "item_viewed_share": "{} of {subject} viewed the item “{feature}”",
    "item_bought_share": "{} of {subject} bought the item “{feature}”",
    "error_page_user_share": "{} of {subject} met an error page",
    "error_page_share": "{} of their page views were error pages",
    "page_share": "{} of {subject} viewed {feature}",
    "theme_share": "{} of {subject} viewed pages about {feature}",
    "page_type_share": "{} of {subject} viewed {feature} pages",
    "theme_view_share": "pages about {feature} take {} of their page views",
    "page_type_view_share": "{feature} pages take {} of their page views",
    "landing_page_share": "{} of {subject} landed on {feature}",
    "channel_share": "{} of {subject} first came through {feature}",
    "device_share": "{} of {subject} use {feature}",
    "browser_share": "{} of {subject} use {feature}",
    "country_share": "{} of {subject} live in {feature}",
}
LABEL_METRICS = {"theme_share", "page_type_share", "theme_view_share", "page_type_view_share"}
PAGE_METRICS = {"page_share", "landing_page_share"}
_STEPS = {
    "view_item": "viewing an item",
    "add_to_cart": "adding to the cart",
    "begin_checkout": "beginning checkout",
    "purchase": "the purchase",
}
_CHANNELS = {"(direct) / (none)": "a direct visit"}
_STEPS_DONE = {"add_to_cart": "put something into the cart", "begin_checkout": "began checkout"}
_DEVICES = {"mobile": "a phone", "desktop": "a desktop computer", "tablet": "a tablet", "smart tv": "a television"}


def label_words(label: str) -> str:
    """A theme or page type in words: bags_and_luggage -> bags and luggage."""
    return label.replace("_", " ")


def feature_words(metric: str, feature: str) -> str:
    """A feature of the metric in words."""
    if metric in LABEL_METRICS:
        return label_words(feature)
    if metric == "path_step_share" and STEP_TO in feature:
        return _step_words(*label_words(feature).split(STEP_TO, 1))
    words = {"device_share": _DEVICES, "funnel_rate": _STEPS, "channel_share": _CHANNELS}.get(metric, {})
    return words.get(feature, feature)


def _step_words(start: str, end: str) -> str:
    return f"from one {start} page to the next" if start == end else f"from {start} to {end} pages"


def statement(metric: str, feature: str | None) -> str:
    """What a value of the metric says: 'of users viewed pages about bags and luggage'."""
    template = METRICS.get(metric, f"{metric.replace('_', ' ')} {{}}".strip())
    if feature is None:
        return template.replace(" {}", "")
    feature = feature_words(metric, feature)
    return template.format(feature) if "{}" in template else f"{template} {feature}"


def happening(metric: str, feature: str | None, subject: str = "them") -> str:
    """What users do, with ``{}`` where the value belongs: '{} of them bought'."""
    words = HAPPENINGS.get(metric, "{} " + statement(metric, feature))
    if subject == "them" and not words.startswith("{}"):
        subject = "they"
    shown = feature_words(metric, feature or "")
    if metric == "funnel_rate":
        shown = _STEPS_DONE.get(feature or "", f"came as far as {shown}")
    shown = shown.replace("{", "(").replace("}", ")")
    return words.replace("{subject}", subject).replace("{feature}", shown)


def number(value: float, unit: str) -> str:
    """A value as it is written: 12.3%, 1,204, 5.2, 24.50 EUR."""
    if unit == "share":
        percent = 100 * value
        return f"{percent:.0f}%" if percent >= 9.95 or percent == 0 else f"{percent:.1f}%"
    if unit == "users":
        return f"{value:,.0f}"
    if is_money(unit):
        return money(value, unit)
    if 0 < value < 0.995:  # 0.03 error pages are not 0.0
        return f"{value:.2f}"
    return f"{value:,.0f}" if value == round(value) or value >= 99.95 else f"{value:,.1f}"
