"""No number that is not a fact passes the check."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beha2vec_core.insights import ClusterInsight
from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.verify import known_evidence, problems, unknown_numbers

RATE = {"lift": 2.995, "z": 8.21, "interval_low": 0.106, "interval_high": 0.143}
TITLE = "Twice the fun, 3 for 2"
TOP = "shop.example.com/top-50"
FACTS = [
    Fact("c2.users", "users", "users", 1204, 9000, 1204),
    Fact("c2.purchase_rate", "purchase_rate", "share", 0.1234, 0.0412, 148, **RATE),
    Fact("c2.page_views_mean", "page_views_mean", "page views", 5.26, 3.97, 1204, lift=1.325, z=4.4),
    Fact("c2.page.shop.example.com/top-50~ab12cd34", "page_share", "share", 0.4, 0.2, 480, feature=TOP),
    Fact("c2.page.shop.example.com/99", "page_share", "share", 0.1, 0.1, 90, feature="99", title=TITLE),
]


@pytest.mark.parametrize(
    "text",
    [
        "12% of users bought (all users 4.1%).",
        "12.3 percent bought, 3.0 times as often, between 10.6% and 14.3%.",
        "1,204 users view 5.3 pages, all users 4.0; z is 8.2.",
        "1.2k of 9000 users.",
        "In this cluster 148 users bought.",
        "148 users are behind it, see c2.purchase_rate.",
        "40% viewed shop.example.com/top-50 in cluster 2.",
        "They love “Twice the fun, 3 for 2”.",
        "No number at all.",
    ],
)
def test_numbers_of_the_facts_pass(text: str) -> None:
    assert unknown_numbers(text, FACTS, cluster_keys=[2]) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("13% of users bought.", "13%"),
        ("12.4% of users bought.", "12.4%"),
        ("5.26% of users bought.", "5.26%"),  # page views are no share
        ("1205 users", "1205"),
        ("12 page views", "12"),  # a share is no number of page views
        ("cluster 3 buys more", "3"),
        ("top 50", "50"),  # only inside the page's own name
        ("99 pages", "99"),  # a feature that is a bare number excuses nothing
        ("They buy twice as often.", "twice"),
        ("About half of them buy.", "half"),
        ("2k users", "2k"),
        ("within ٧ days", "٧"),
    ],
)
def test_other_numbers_are_named(text: str, wrong: str) -> None:
    found = unknown_numbers(text, FACTS, cluster_keys=[2])
    assert len(found) == 1 and found[0].startswith(wrong)


@given(st.floats(0, 1).map(lambda share: round(share, 4)), st.integers(0, 3))
def test_a_share_passes_as_it_is_rounded_and_not_one_step_beside(share: float, digits: int) -> None:
    fact = Fact("c0.purchase_rate", "purchase_rate", "share", share, 5.0, 10**9)
    step = 10.0**-digits
    written = f"{100 * share:.{digits}f}"
    beside = f"{float(written) + 2 * step:.{digits}f}"
    assert unknown_numbers(f"{written}% bought", [fact]) == []
    if abs(float(beside) - 500) > step:
        assert unknown_numbers(f"{beside}% bought", [fact]) != []


def insight(**changes: object) -> ClusterInsight:
    whole = {
        "name": "Deal-led browsers",
        "summary": "12% bought (all users 4.1%).",
        "persona": "Somebody.",
        "evidence": ["c2.purchase_rate"],
        "actions": ["Do it."],
    }
    return ClusterInsight.model_validate(whole | changes)


def test_all_prose_is_checked_and_evidence_must_exist() -> None:
    assert problems(insight(), FACTS) == []
    for change in (
        {"name": "Top 77 buyers"},
        {"summary": "77%"},
        {"persona": "Aged 77."},
        {"actions": ["Send 77 mails."]},
    ):
        assert "77" in problems(insight(**change), FACTS)[0]
    assert "evidence" in problems(insight(evidence=["c2.invented", "c9.users"]), FACTS)[0]
    assert known_evidence(["c2.users", "c2.invented", "c2.users"], FACTS) == ["c2.users"]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "one two three four five"},
        {"name": " \x00 "},
        {"summary": "x" * 1501},
        {"actions": []},
        {"actions": ["x"] * 6},
        {"evidence": "c2.users"},
    ],
)
def test_what_does_not_fit_the_schema_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        insight(**change)


def test_control_characters_of_an_answer_are_dropped() -> None:
    assert insight(summary="12%\x1b[31m bought\u202e\nwell").summary == "12%[31m bought well"
