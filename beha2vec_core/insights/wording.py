"""Facts in words, for all who show them or write about them; the words of a metric are in `profiles.metrics`.

Each number is written one way.
"""

import re

from beha2vec_core.profiles.metrics import STEP_TO
from beha2vec_core.profiles.metrics import metric as metric_of
from beha2vec_core.words import is_money, money

FULL_STOP = r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bapprox\.)"  # as a pattern: after the end of a sentence


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
    if has_labels(metric):
        return label_words(feature)
    if metric == "path_step_share" and STEP_TO in feature:
        return _step_words(*label_words(feature).split(STEP_TO, 1))
    words = {"device_share": _DEVICES, "first_user_source_share": _SOURCES}.get(metric, {})
    return words.get(feature, feature)


def _step_words(start: str, end: str) -> str:
    return f"from one {start} page to the next" if start == end else f"from {start} to {end} pages"


def has_labels(metric: str) -> bool:
    """Whether its features are our own labels: themes and page types."""
    return metric_of(metric).features in ("theme", "page type")


def has_pages(metric: str) -> bool:
    """Whether its features are pages, which may have a title."""
    return metric_of(metric).features == "page"


def statement(metric: str, feature: str | None) -> str:
    """What a value of the metric says: 'of users viewed pages about bags and luggage'."""
    return _of_feature(metric, feature, metric_of(metric).statement)


def label(metric: str, feature: str | None) -> str:
    """What is counted, for a chart or table: 'users who bought'."""
    return _of_feature(metric, feature, metric_of(metric).label)


def _of_feature(metric: str, feature: str | None, words: str) -> str:
    if feature is None:
        return words.replace(" {}", "")
    feature = feature_words(metric, feature)
    return words.replace("{}", feature) if "{}" in words else f"{words} {feature}"


def happening(metric: str, feature: str | None, subject: str = "them") -> str:
    """What users do, with ``{}`` where the value belongs: '{} of them bought'."""
    words = metric_of(metric).clause or "{} " + statement(metric, feature).replace("{", "(")
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
    """0% and 100% are exact: values close to them are written as bounds."""
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
