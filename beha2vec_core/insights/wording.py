"""Facts in words, for all who show them or write about them; the words of a metric are in `profiles.metrics`."""

import re

from beha2vec_core.profiles.metrics import STEP_TO
from beha2vec_core.profiles.metrics import metric as metric_of

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
        start, end = label_words(feature).split(STEP_TO, 1)
        return f"from one {start} page to the next" if start == end else f"from {start} to {end} pages"
    words = {"device_share": _DEVICES, "first_user_source_share": _SOURCES}.get(metric, {})
    return words.get(feature, feature)


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


def counted(shown: str, noun: str) -> str:
    """A number and what is counted, as `COUNTED` finds it: '3 sessions', '1 session'."""
    return shown + (
        COUNTED.sub(lambda match: match.group(1) + _SINGULAR[match.group(2)], noun, 1) if shown == "1" else noun
    )
