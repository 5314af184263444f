"""A question for yes or no gets one first; what is not clear, or another question, gets none."""

from pathlib import Path

import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize(
    ("question", "begins"),
    [
        ("is mobile worse than desktop?", "Yes. Conversion rate: mobile, 2.1%"),
        ("so, is desktop worse than mobile?", "No. Conversion rate: desktop, 7.8%"),
        ("is the bounce rate on mobile worse than on desktop?", "No clear difference. Bounce rate: "),
        ("do new visitors convert better than returning ones?", "No clear difference. Conversion rate: new users"),
        ("is safari better than all other browsers?", "No. Conversion rate: Safari, "),
        ("did orders fall in april?", "No clear change. Orders from 1 Apr to 30 Apr 2026, per day: "),
        ("are sessions growing?", "No. Sessions per day, by month: about flat. "),
        ("is france our biggest country by revenue?", "No, it is number 3 of 5. Revenue: highest for Germany"),
        ("is germany our biggest country by revenue?", "Yes. Revenue: highest for Germany"),
        ("is email our best channel?", "It is number 1, but its interval and that of number 2 overlap. "),
        ("is the aov higher in april than in march?", "No clear change. Average order value from 1 Apr"),
        ("is revenue per session higher on tablet than on mobile?", "No clear difference. Revenue per session: "),
        ("are orders on mobile smaller than on desktop?", "No clear difference. Average order value: mobile, "),
        ("did anyone use a coupon?", "Yes. Users who used a coupon: "),
        ("does mobile have zero orders?", "No. Orders on mobile: "),
        ("were there sessions that had no orders?", "Yes. Sessions that did not order: "),
        # a choice, a cause, an amount and a number are no questions for yes or no
        ("is desktop or mobile better?", "Conversion rate: desktop"),
        ("is traffic going up or down?", "Sessions per day, by month: about flat. "),
        ("why is mobile worse than desktop?", "Conversion rate: mobile"),
        ("does mobile convert much worse than desktop?", "Conversion rate: mobile"),
        ("how much did orders go up in april?", "Orders from 1 Apr"),
        ("mobile vs desktop conversion rate", "Conversion rate: mobile"),
    ],
)
def test_yes_or_no_comes_first(lookup: Lookup, question: str, begins: str) -> None:
    lookup.forget()
    assert lookup.ask(question).text.startswith(begins)
