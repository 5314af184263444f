"""What a model writes is checked: numbers are placeholders, and what is said of them is what the facts bear."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profile_world import make_world

from beha2vec_core.insights import ClusterComparison, ClusterInsight
from beha2vec_core.insights.placeholders import fill, written
from beha2vec_core.insights.prompts import sendable
from beha2vec_core.insights.sheet import Fact, fact_sheets
from beha2vec_core.insights.verify import review
from beha2vec_core.insights.vocabulary.metrics import SIZES
from beha2vec_core.insights.wording import statement
from beha2vec_core.profiles import build_profiles


def fact(fact_id: str, metric: str, unit: str, value: float, everybody: float, z: float | None, **more: Any) -> Fact:
    """A fact of cluster 2 with an interval of a tenth."""
    lift = value / everybody if everybody else None
    ends = {"interval_low": 0.9 * value, "interval_high": 1.1 * value}
    return Fact(f"c2.{fact_id}", metric, unit, value, everybody, 300, lift=lift, z=z, **(ends | more))


ORDERS = {"feature": "shop.example.com/orders", "title": "Your Orders | My Account | Northfold"}
FACTS = [
    Fact("c2.users", "users", "users", 1204, 9000, 1204),
    Fact("c2.user_share", "user_share", "share", 0.134, 1, 1204),
    fact("purchase_rate", "purchase_rate", "share", 0.1234, 0.0412, 8.2),
    fact("return_share", "return_share", "share", 0.31, 0.20, 6),
    fact("one_page_view_share", "one_page_view_share", "share", 0.12, 0.24, -7),
    fact("first_user_direct_share", "first_user_direct_share", "share", 0.22, 0.21, 0.6),
    fact("page_views_mean", "page_views_mean", "page views", 5.26, 3.97, 4.4),
    fact("sessions_mean", "sessions_mean", "sessions", 1.42, 1.41, 0.4),
    fact("engagement_time_mean", "engagement_time_mean", "seconds", 41.2, 63.5, -5),
    fact("no_engagement_time_share", "no_engagement_time_share", "share", 0.04, 0.17, -6),
    fact("error_page_user_share", "error_page_user_share", "share", 0.021, 0.019, 0.3),
    fact("revenue_mean", "revenue_mean", "currency", 9.1, 3.2, 4),
    fact("page_views_median", "page_views_median", "page views", 4, 3, None),
    fact("engagement_time_median", "engagement_time_median", "seconds", 20, 19, None),
    fact("first_week_return_rate", "first_week_return_rate", "share", 0.22, 0.11, 6),
    fact("churn_rate", "churn_rate", "share", 0.70, 0.88, -6),
    fact("inflow_share", "inflow_share", "share", 0.25, 0.16, 4),
    fact("outflow_share", "outflow_share", "share", 0.08, 0.15, -4),
    fact("recency_mean", "recency_mean", "days", 6.2, 13.4, -9),
    fact("furthest_step_mean", "furthest_step_mean", "steps", 1.3, 0.7, 9),
    fact("error_page_views_mean", "error_page_views_mean", "page views", 0.03, 0.02, 0.3),
    fact("add_to_cart_share", "add_to_cart_share", "share", 0.23, 0.06, 10),
    fact("reached_cart_share", "reached_cart_share", "share", 0.31, 0.08, 11),
    fact("begin_checkout_share", "begin_checkout_share", "share", 0.16, 0.03, 10),
    fact("reached_checkout_share", "reached_checkout_share", "share", 0.18, 0.035, 10),
    fact("event.login", "event_share", "share", 0.26, 0.023, 11, feature="login"),
    fact("hour_block.evening", "hour_block_event_share", "share", 0.41, 0.30, 5, feature="evening"),
    fact("item_category.footwear", "item_category_viewed_share", "share", 0.15, 0.24, -4, feature="footwear"),
    fact("page_type.cart", "page_type_share", "share", 0.33, 0.09, 11, feature="cart"),
    fact("path_step.account-product", "path_step_share", "share", 0.61, 0.05, 11, feature="account → product"),
    fact("path_step.product-account", "path_step_share", "share", 0.23, 0.02, 6, feature="product → account"),
    fact("page_type_views.account", "page_type_view_share", "share", 0.59, 0.077, 30, feature="account"),
    fact("page_type_views.product", "page_type_view_share", "share", 0.24, 0.27, -1.2, feature="product"),
    fact("page_type_views.category", "page_type_view_share", "share", 0.032, 0.29, -20, feature="category"),
    fact("page_type_views.support", "page_type_view_share", "share", 0.0, 0.081, -9, feature="support"),
    fact("theme_views.offers", "theme_view_share", "share", 0.02, 0.073, -5, feature="offers"),
    fact("theme_views.account", "theme_view_share", "share", 0.58, 0.08, 29, feature="account"),
    fact("theme_views.bags_and_luggage", "theme_view_share", "share", 0.12, 0.08, 3.9, feature="bags_and_luggage"),
    fact("page.shop.example.com/orders~1234abcd", "page_share", "share", 0.52, 0.071, 25, **ORDERS),
    fact("landing_page.shop.example.com/orders", "landing_page_share", "share", 0.28, 0.03, 20, **ORDERS),
    fact(
        "first_user_source.newsletter-/-email~36",
        "first_user_source_share",
        "share",
        0.34,
        0.11,
        12,
        feature="newsletter / email",
    ),
    fact(
        "first_user_source.google-/-cpc~2e", "first_user_source_share", "share", 0.04, 0.11, -5, feature="google / cpc"
    ),
    fact(
        "first_user_source.google-/-organic~33",
        "first_user_source_share",
        "share",
        0.20,
        0.27,
        -3.3,
        feature="google / organic",
    ),
    fact(
        "first_user_source.(direct)-/-(none)~d3",
        "first_user_source_share",
        "share",
        0.30,
        0.25,
        2.0,
        feature="(direct) / (none)",
    ),
    fact("device.mobile", "device_share", "share", 0.66, 0.58, 3.4, feature="mobile"),
    fact("device.desktop", "device_share", "share", 0.30, 0.36, -3.2, feature="desktop"),
    fact("country.Germany", "country_share", "share", 0.45, 0.44, 0.2, feature="Germany"),
    fact("page.99", "page_share", "share", 0.1, 0.1, 0.0, feature="99", title="Twice the fun, 3 for 2 {c2.users}"),
]
# written by hand, in the manner of several language models
TRUE = [
    "This segment of {c2.users} users ({c2.user_share} of the audience) is dominated by account activity: "
    "account pages absorb {c2.page_type_views.account} of their page views, compared with just "
    "{c2.page_type_views.account|all} across all users.",
    "They are {c2.purchase_rate|times} times as likely to buy as the average user, with a purchase rate of "
    "{c2.purchase_rate} versus {c2.purchase_rate|all} overall.",
    "Purchases are far more common here: {c2.purchase_rate} of them bought, while only {c2.purchase_rate|all} "
    "of all users did.",
    "Loyalty is a defining trait, as {c2.return_share} came back for another session (all users: "
    "{c2.return_share|all}).",
    "These visitors view more pages per user ({c2.page_views_mean}) than the site average ({c2.page_views_mean|all}).",
    "Although they view more pages than average ({c2.page_views_mean} vs {c2.page_views_mean|all}), they spend "
    "less time engaged: {c2.engagement_time_mean} seconds against {c2.engagement_time_mean|all} for all users.",
    "Category pages play only a minor role, with {c2.page_type_views.category} of page views against "
    "{c2.page_type_views.category|all} for all users.",
    "None of their page views go to support pages ({c2.page_type_views.support}), whereas all users spend "
    "{c2.page_type_views.support|all} of theirs there.",
    "The newsletter is a key channel: {c2.first_user_source.newsletter-/-email~36} first came through newsletter / "
    "email, well above the {c2.first_user_source.newsletter-/-email~36|all} of all users.",
    "By contrast, paid search (google / cpc) brings in only {c2.first_user_source.google-/-cpc~2e} of them, "
    "compared to "
    "{c2.first_user_source.google-/-cpc~2e|all} of all users.",
    "Most of them use a phone: {c2.device.mobile}, against {c2.device.mobile|all} of all users.",
    "{c2.page.shop.example.com/orders~1234abcd} visited the page “Your Orders | My Account | Northfold”, "
    "something only {c2.page.shop.example.com/orders~1234abcd|all} of all users did.",
    "The number of sessions per user ({c2.sessions_mean}) is virtually identical to that of all users "
    "({c2.sessions_mean|all}).",
    "They rarely bounce, with {c2.one_page_view_share} viewing a single page compared with "
    "{c2.one_page_view_share|all} overall.",
    "With {c2.purchase_rate} of users buying, this is a group worth keeping; all users buy at {c2.purchase_rate|all}.",
    "Interest in offers is low: {c2.theme_views.offers} of their page views are about offers, against "
    "{c2.theme_views.offers|all} for all users.",
    "They show above-average interest in bags and luggage, which account for {c2.theme_views.bags_and_luggage} "
    "of their page views (all users {c2.theme_views.bags_and_luggage|all}).",
    "Revenue per user stands at {c2.revenue_mean}, compared with {c2.revenue_mean|all} for all users.",
    "The share of users who never engage is low at {c2.no_engagement_time_share}, versus "
    "{c2.no_engagement_time_share|all} for all users.",
    "A typical user lands on “Your Orders | My Account | Northfold” "
    "({c2.landing_page.shop.example.com/orders}, all users {c2.landing_page.shop.example.com/orders|all}) and "
    "uses a phone ({c2.device.mobile}, all users {c2.device.mobile|all}).",
    "They arrive directly about as often as everyone else ({c2.first_user_direct_share} vs "
    "{c2.first_user_direct_share|all}).",
    "Direct arrivals ({c2.first_user_direct_share}) do not differ meaningfully from all users "
    "({c2.first_user_direct_share|all}).",
    "The median user views {c2.page_views_median} pages, while the median over all users is "
    "{c2.page_views_median|all}.",
    "Errors are not a bigger problem here than elsewhere: {c2.error_page_user_share} met an error page, "
    "against {c2.error_page_user_share|all} of all users.",
    "{c2.country.Germany} are based in Germany, much like all users ({c2.country.Germany|all}).",
    "Account pages take the largest share of their attention at {c2.page_type_views.account}, while for all "
    "users it is {c2.page_type_views.account|all}.",
    "They convert at {c2.purchase_rate}, roughly {c2.purchase_rate|times} times the overall rate of "
    "{c2.purchase_rate|all}.",
    "They are under-represented in organic search, with {c2.first_user_source.google-/-organic~33} coming from "
    "google / "
    "organic versus {c2.first_user_source.google-/-organic~33|all} of all users.",
    "Desktop use is less common than on the site as a whole ({c2.device.desktop} compared with "
    "{c2.device.desktop|all}).",
    "Returning is a habit: {c2.return_share} return for another session, higher than the {c2.return_share|all} "
    "seen across all users.",
    "Only {c2.no_engagement_time_share} showed no engagement, well under the {c2.no_engagement_time_share|all} "
    "of all users.",
    "Their visits end in a purchase more often, at {c2.purchase_rate} compared to a baseline of "
    "{c2.purchase_rate|all}.",
    "Users in this group tend to return: {c2.return_share} do so, against {c2.return_share|all} of all users.",
    "Reward loyalty with early access, as {c2.return_share} of them come back (all users {c2.return_share|all}).",
    "Use the newsletter for reorder reminders: {c2.first_user_source.newsletter-/-email~36} first came via "
    "newsletter / "
    "email, versus {c2.first_user_source.newsletter-/-email~36|all} of all users.",
    "Keep checkout short; {c2.purchase_rate} already buy, compared with {c2.purchase_rate|all} of all users.",
    "Reduce spend on google / cpc for this group, since it brings {c2.first_user_source.google-/-cpc~2e} of them (all "
    "users {c2.first_user_source.google-/-cpc~2e|all}).",
    "The difference in direct arrivals ({c2.first_user_direct_share} vs. {c2.first_user_direct_share|all} for "
    "all users) may be chance.",
    "{c2.first_week_return_rate} came back within a week of their first day, and all users are at "
    "{c2.first_week_return_rate|all}.",
    "Fewer of them churn: {c2.churn_rate} were not seen in the last week, against {c2.churn_rate|all} of all users.",
    "{c2.inflow_share} of them came in the last week (all users {c2.inflow_share|all}), and {c2.outflow_share} left in "
    "the last week (all users {c2.outflow_share|all}).",
    "They were last seen more recently than all users: {c2.recency_mean} days ago against {c2.recency_mean|all} days "
    "for all users.",
    "On average they take {c2.furthest_step_mean} steps towards a purchase, more than the "
    "{c2.furthest_step_mean|all} of "
    "all users.",
    "{c2.reached_cart_share} of them came at least as far as the cart (all users {c2.reached_cart_share|all}), "
    "{c2.reached_checkout_share} made it to the checkout (all users {c2.reached_checkout_share|all}).",
    "{c2.add_to_cart_share} of them put something into the cart (all users {c2.add_to_cart_share|all}), and "
    "{c2.begin_checkout_share} began checkout (all users {c2.begin_checkout_share|all}).",
    "Signing in is common: {c2.event.login} triggered the event login (all users {c2.event.login|all}).",
    "Evenings are busy, with {c2.hour_block.evening} of their activity in the evening (all users "
    "{c2.hour_block.evening|all}).",
    "Items of footwear are viewed less often: {c2.item_category.footwear} viewed items of footwear, against "
    "{c2.item_category.footwear|all} of all users.",
    "{c2.path_step.account-product} of them went from account to product pages within a session (all users "
    "{c2.path_step.account-product|all}).",
    "They meet {c2.error_page_views_mean} error pages each, about as many as all users "
    "({c2.error_page_views_mean|all}).",
    "The median user is engaged for {c2.engagement_time_median} seconds, while the median over all users is "
    "{c2.engagement_time_median|all}.",
    "The group is sizeable ({c2.users} of {c2.users|all} users), so these shares are fairly stable.",
]
FALSE = [
    "They buy less often than the average user ({c2.purchase_rate} vs {c2.purchase_rate|all}).",
    "Only {c2.purchase_rate} of them bought, against {c2.purchase_rate|all} of all users.",
    "Purchases are rarer here: {c2.purchase_rate} of them bought, while {c2.purchase_rate|all} of all users did.",
    "They bounce more often, with {c2.one_page_view_share} viewing a single page compared with "
    "{c2.one_page_view_share|all} overall.",
    "{c2.purchase_rate} of users on phones bought something, against {c2.purchase_rate|all} of all users.",
    "{c2.purchase_rate} of newsletter / email users bought something, against {c2.purchase_rate|all} of all users.",
    "{c2.users} users bought something.",
    "Most of them buy: {c2.purchase_rate}, all users {c2.purchase_rate|all}.",
    "Nobody buys: {c2.purchase_rate}, all users {c2.purchase_rate|all}.",
    "Direct arrivals are higher ({c2.first_user_direct_share} vs {c2.first_user_direct_share|all} for all users).",
    "They buy about as often as all users ({c2.purchase_rate} vs {c2.purchase_rate|all}).",
    "They have {c2.page_views_mean} page views per session, all users {c2.page_views_mean|all}.",
    "They stay for {c2.engagement_time_mean} minutes, all users {c2.engagement_time_mean|all}.",
    "{c2.page_type_views.account} of users viewed account pages, all users {c2.page_type_views.account|all}.",
    "This group buys most of all clusters, at {c2.purchase_rate} (all users {c2.purchase_rate|all}).",
    "Category pages get the largest share of their page views, {c2.page_type_views.category} (all users "
    "{c2.page_type_views.category|all}).",
    "{c2.purchase_rate} of them bought, against {c2.purchase_rate|all} of other users.",
    "{c2.purchase_rate|all} of these users bought.",
    "Of all users, {c2.purchase_rate} bought; here {c2.purchase_rate|all} did.",
    "More than {c2.purchase_rate} of them bought (all users {c2.purchase_rate|all}).",
    "They are {c2.purchase_rate} times as likely to buy.",
    "They never bounce ({c2.one_page_view_share} viewed a single page, all users {c2.one_page_view_share|all}).",
    "A majority came back ({c2.return_share}, all users {c2.return_share|all}).",
    "Cluster 3 buys more than others ({c2.purchase_rate}, all users {c2.purchase_rate|all}).",
    "They do not buy more often than all users ({c2.purchase_rate} vs {c2.purchase_rate|all}).",
    "{c2.return_share} bought again, all users {c2.purchase_rate|all}.",
    "All users buy more often ({c2.purchase_rate|all}), these users {c2.purchase_rate}.",
    "{c9.purchase_rate} of them bought.",
    "{c2.purchase_rate} of them bought, that is 8 points above all users ({c2.purchase_rate|all}).",
    "They view twice as many pages: {c2.page_views_mean} per user, all users {c2.page_views_mean|all}.",
    "See [the report](https://evil.example.com): {c2.purchase_rate} bought, all users {c2.purchase_rate|all}.",
    "{c2.page_views_mean} views per user is the median, all users {c2.page_views_mean|all}.",
    "{c2.purchase_rate} of them bought ({c2.return_share|all} of all users).",
    "{c2.purchase_rate} bought versus {c2.first_user_direct_share|all} of all users.",
    "Account pages: {c2.page_type_views.account} vs {c2.page_type_views.category|all} for all users.",
    "They came through newsletter / email more often ({c2.first_user_source.google-/-cpc~2e} vs "
    "{c2.first_user_source.google-/-cpc~2e|all} of all users).",
    "Newsletter readers: {c2.first_user_source.newsletter-/-email~36} of purchases came through newsletter / "
    "email (all "
    "users {c2.first_user_source.newsletter-/-email~36|all}).",
    "{c2.first_user_source.newsletter-/-email~36} of sessions came through newsletter / email (all users "
    "{c2.first_user_source.newsletter-/-email~36|all}).",
    "{c2.page_type_views.account} of sessions include account pages, all users {c2.page_type_views.account|all}.",
    "{c2.return_share} of purchases are repeat purchases, all users {c2.return_share|all}.",
    "{c2.one_page_view_share} of sessions are single-page, all users {c2.one_page_view_share|all}.",
    "Revenue is {c2.revenue_mean} per purchase, all users {c2.revenue_mean|all}.",
    "Revenue totals {c2.revenue_mean}, all users {c2.revenue_mean|all}.",
    "They have {c2.sessions_mean} sessions more than all users.",
    "They view {c2.page_views_mean} more pages than all users.",
    "They are {c2.purchase_rate} more likely to buy than all users ({c2.purchase_rate|all}).",
    "The purchase rate is {c2.purchase_rate} higher than for all users.",
    "{c2.purchase_rate} points separate their purchase rate from all users.",
    "They buy on {c2.purchase_rate} of their visits (all users {c2.purchase_rate|all}).",
    "The probability of a purchase in a session is {c2.purchase_rate} (all users {c2.purchase_rate|all}).",
    "They browse {c2.page_views_median} pages on average (all users {c2.page_views_median|all}).",
    "{c2.user_share} of them bought.",
    "The median user views {c2.page_views_median} pages, against {c2.page_views_mean|all} for all users.",
    "The median user views about as many pages as all users: {c2.page_views_median} against "
    "{c2.page_views_median|all}.",
    "The median user is engaged for {c2.engagement_time_mean} seconds (all users {c2.engagement_time_mean|all}).",
    "They are engaged for {c2.engagement_time_median} seconds each (all users {c2.engagement_time_median|all}).",
    "{c2.return_share} came back within a week (all users {c2.return_share|all}).",
    "{c2.first_week_return_rate} came back for another session (all users {c2.first_week_return_rate|all}).",
    "{c2.churn_rate} of them left in the last week (all users {c2.churn_rate|all}).",
    "{c2.churn_rate} of them were seen in the last week (all users {c2.churn_rate|all}).",
    "{c2.outflow_share} of them churned (all users {c2.outflow_share|all}).",
    "{c2.inflow_share} of them left in the last week (all users {c2.inflow_share|all}).",
    "{c2.inflow_share} of them came through newsletter / email (all users {c2.inflow_share|all}).",
    "The group grew: {c2.inflow_share} came in the last week (all users {c2.inflow_share|all}).",
    "{c2.purchase_rate} of them bought in the last week (all users {c2.purchase_rate|all}).",
    "They were last seen longer ago than all users: {c2.recency_mean} days against {c2.recency_mean|all} days for all "
    "users.",
    "They were last seen less recently: {c2.recency_mean} days ago (all users {c2.recency_mean|all}).",
    "{c2.page_type.cart} of them came as far as the cart (all users {c2.page_type.cart|all}).",
    "{c2.reached_cart_share} of them viewed cart pages (all users {c2.reached_cart_share|all}).",
    "{c2.reached_cart_share} of them came as far as beginning checkout (all users {c2.reached_cart_share|all}).",
    "{c2.reached_cart_share} of them put something into the cart (all users {c2.reached_cart_share|all}).",
    "{c2.reached_checkout_share} of them began checkout (all users {c2.reached_checkout_share|all}).",
    "{c2.add_to_cart_share} of them reached at least the cart (all users {c2.add_to_cart_share|all}).",
    "{c2.begin_checkout_share} of them made it to the checkout (all users {c2.begin_checkout_share|all}).",
    "{c2.event.login} of them viewed login pages (all users {c2.event.login|all}).",
    "{c2.hour_block.evening} of them visit in the evening (all users {c2.hour_block.evening|all}).",
    "{c2.hour_block.evening} of their page views are in the evening (all users {c2.hour_block.evening|all}).",
    "{c2.purchase_rate} of them bought in the evening (all users {c2.purchase_rate|all}).",
    "{c2.path_step.account-product} of them went from product to account pages (all users "
    "{c2.path_step.account-product|all}).",
    "{c2.path_step.account-product} of them viewed product pages (all users {c2.path_step.account-product|all}).",
    "{c2.purchase_rate} bought after going from account to product pages (all users {c2.purchase_rate|all}).",
    "{c2.page_views_mean} error pages per user (all users {c2.page_views_mean|all}).",
    "{c2.error_page_views_mean} page views per user (all users {c2.error_page_views_mean|all}).",
    "{c2.furthest_step_mean} purchases per user (all users {c2.furthest_step_mean|all}).",
    "Each of the {c2.users} users views {c2.page_views_mean} pages.",
]


def insight(**changes: object) -> ClusterInsight:
    whole = {
        "name": "Deal-led browsers",
        "summary": "{c2.purchase_rate} of them bought (all users {c2.purchase_rate|all}).",
        "differences": "They are a group of {c2.users} users.",
        "persona": "Somebody.",
        "caveats": "An association is not a cause.",
        "evidence": ["c2.purchase_rate"],
        "actions": ["Do it."],
    }
    return ClusterInsight.model_validate(whole | changes)


def found(**changes: object) -> list[str]:
    return review(insight(**changes), FACTS, clusters={2: ""}).problems


@pytest.mark.parametrize("sentence", TRUE)
def test_true_sentences_pass_whole(sentence: str) -> None:
    checked = review(insight(summary=sentence), FACTS, clusters={2: ""})
    assert (checked.problems, checked.dropped) == ([], [])
    assert checked.text is not None and "{" not in checked.text.summary


@pytest.mark.parametrize("sentence", FALSE)
def test_false_and_unchecked_sentences_do_not(sentence: str) -> None:
    assert found(summary=sentence)


@pytest.mark.parametrize("field", ["summary", "differences", "persona", "caveats", "name"])
@pytest.mark.parametrize(
    "made_up",
    ["77% bought", "twice as often", "half of them", "one in five buys", "a dozen visits", "in ٧ days", "½ of them",
     "c2.purchase_rate {", "[x](https://evil.example)", "{c2.users"],
)  # fmt: skip
def test_no_number_of_ones_own_anywhere(field: str, made_up: str) -> None:
    assert found(**{field: made_up})


def test_actions_and_evidence_are_checked_too() -> None:
    assert "77" in found(actions=["Send 77 mails."])[0]
    assert "c2.invented" in found(evidence=["c2.purchase_rate", "c2.invented"])[0]
    assert found(actions=["Send them {c2.purchase_rate} mails."])
    assert found(actions=["Show more reviews.", "Shorten the checkout."]) == []


@given(st.integers(0, 10**6), st.sampled_from(["{} users", "about {}%", "{}.5 times", "of {}, most", "Q{}"]))
def test_every_digit_is_refused(number: int, shape: str) -> None:
    assert found(summary="{c2.purchase_rate} of them bought. " + shape.format(number))


def test_numbers_are_put_in_once_and_evidence_is_what_was_used() -> None:
    said = "{c2.return_share} of them came back (all users {c2.return_share|all}), see [c2.sessions_mean]."
    checked = review(insight(summary=said), FACTS, clusters={2: ""})
    text, draft = checked.text, checked.draft
    assert text is not None and draft is not None
    assert draft.summary == "{c2.return_share} of them came back (all users {c2.return_share|all}), see."
    assert text.summary == "31% of them came back (all users 20%), see."
    assert text.evidence == ["c2.return_share", "c2.sessions_mean", "c2.users", "c2.purchase_rate"]
    assert fill("{c2.users} {c2.users|all} {c2.users|often} {c9.users} {}", {FACTS[0].fact_id: FACTS[0]}) == (
        "1,204 9,000 {c2.users|often} {c9.users} {}"
    )


def test_titles_may_hold_digits_in_quotes_only_and_are_not_read_again() -> None:
    quoted = "{c2.page.99} of them viewed “Twice the fun, 3 for 2 {c2.users}” (all users {c2.page.99|all})."
    assert found(summary=quoted)  # a title with a placeholder never gets here: `fact_sheets` takes the braces out
    facts = [
        *FACTS[:-1],
        fact("page.99", "page_share", "share", 0.1, 0.1, 0.0, feature="99", title="3 for 2 (c2.users)"),
    ]
    said = "{c2.page.99} of them viewed “3 for 2 (c2.users)” (all users {c2.page.99|all})."
    checked = review(insight(summary=said), facts, clusters={2: ""})
    assert checked.text is not None
    assert checked.text.summary == "10% of them viewed “3 for 2 (c2.users)” (all users 10%)."
    assert review(insight(summary=said.replace("“", "").replace("”", "")), facts, clusters={2: ""}).problems


def test_claims_without_a_fact_are_left_out_and_alone_are_refused() -> None:
    said = "They buy far more often than others. {c2.purchase_rate} of them bought (all users {c2.purchase_rate|all})."
    checked = review(insight(summary=said), FACTS, clusters={2: ""})
    assert checked.text is not None and checked.text.summary == "12% of them bought (all users 4.1%)."
    assert checked.dropped == ["They buy far more often than others."]
    assert "nothing is left" in found(summary="They buy far more often than others.")[0]
    assert "nothing is left" in found(persona="She uses her phone and prefers the newsletter.")[0]


@pytest.mark.parametrize(
    ("name", "is_refused"),
    [("Loyal account users", False), ("Loyal account buyers", True), ("Non-buyers", True),
     ("Support page readers", True),
    ("Category browsers", False),
     ("Category page fans", True), ("Top ten buyers", True), ("Buyers {c2.users}", True)],
)  # fmt: skip
def test_names_do_not_contradict_the_facts(name: str, is_refused: bool) -> None:
    assert bool(found(name=name)) == is_refused


def test_what_bh_does_not_call_significant_has_no_direction() -> None:
    said = {"summary": "They buy more often than all users ({c2.purchase_rate} vs {c2.purchase_rate|all})."}
    for significant, is_fine in ((True, True), (None, True), (False, False)):
        facts = [fact("purchase_rate", "purchase_rate", "share", 0.12, 0.04, 8.2, significant=significant), FACTS[0]]
        assert (review(insight(**said), facts, clusters={2: ""}).problems == []) == is_fine


def of(key: int, metric: str, value: float, everybody: float = 0.2) -> Fact:
    return Fact(f"c{key}.{metric}", metric, "share", value, everybody, 100, lift=value / everybody,
                z=(value - everybody) * 100, interval_low=value - 0.02, interval_high=value + 0.02)  # fmt: skip


COMPARED = [of(k, m, v) for m, vs in {"purchase_rate": (0.1, 0.3, 0.2), "return_share": (0.5, 0.2, 0.21)}.items()
            for k, v in enumerate(vs)]  # fmt: skip
NAMES = {0: "Article readers", 1: "Loyal buyers", 2: "Help seekers"}


@pytest.mark.parametrize(
    ("said", "is_true"),
    [
        ("Loyal buyers buy more often than article readers ({c1.purchase_rate} against {c0.purchase_rate}).", True),
        ("Article readers buy more often than loyal buyers ({c0.purchase_rate} against {c1.purchase_rate}).", False),
        ("Loyal buyers buy less often than article readers ({c1.purchase_rate} against {c0.purchase_rate}).", False),
        ("Loyal buyers buy more often than article readers ({c0.purchase_rate} against {c1.purchase_rate}).", False),
        ("Cluster 1 buys most often ({c1.purchase_rate}); cluster 0 least often ({c0.purchase_rate}).", True),
        ("Cluster 2 buys most often, with {c2.purchase_rate}.", False),
        ("Cluster 1 buys most often, with {c2.purchase_rate}.", False),
        ("{c0.return_share} of article readers return, {c2.return_share} of help seekers do.", True),
        ("{c2.return_share} of article readers return, {c0.return_share} of help seekers do.", False),
        ("Help seekers return more often than loyal buyers ({c2.return_share} vs {c1.return_share}).", False),
        ("Help seekers return about as often as loyal buyers ({c2.return_share} vs {c1.return_share}).", True),
        ("In every cluster between {c0.purchase_rate} and {c1.purchase_rate} of users buy.", True),
        ("In every cluster between {c0.purchase_rate} and {c2.purchase_rate} of users buy.", False),
        ("{c1.purchase_rate} of them buy.", False),
        ("Cluster 7 buys at {c1.purchase_rate}.", False),
    ],
)  # fmt: skip
def test_clusters_are_compared_by_their_values(said: str, is_true: bool) -> None:
    draft = ClusterComparison(
        similarities="They were told apart by what they view.",
        key_differences=said,
        opportunities="Start with the checkout.",
        evidence=["c1.purchase_rate"],
    )
    checked = review(draft, COMPARED, clusters=NAMES)
    assert (checked.problems == []) == is_true, checked.problems


def test_names_of_other_clusters_do_not_stand_beside_numbers() -> None:
    said = "Help seekers are another group: {c2.purchase_rate} of them bought (all users {c2.purchase_rate|all})."
    checked = review(insight(summary=said), FACTS, clusters={2: ""}, other_names=["Help seekers"])
    assert "it names a cluster whose facts are not here" in checked.problems[0]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "one two three four five"},
        {"name": " \x00 "},
        {"summary": "x" * 2501},
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
    assert "\ue000" not in json.dumps(insight(summary="a\ue000b").model_dump(), ensure_ascii=False)


def test_what_the_model_is_reported_a_fact_says_passes() -> None:
    for sheet in fact_sheets(build_profiles(make_world())):
        facts = sendable(sheet)
        said = [
            f"Here {written(one)} {statement(one.metric, one.shown_feature)} (all users {written(one, 'all')})."
            for one in facts
            if one.metric not in SIZES
        ]
        draft = insight(differences="They are a group.", evidence=[facts[0].fact_id]).model_copy(
            update={"summary": " ".join(said)}
        )
        checked = review(draft, facts, clusters={sheet.cluster_key: ""})
        assert len(said) > 50 and (checked.problems, checked.dropped) == ([], [])


def test_a_name_that_ends_like_a_number_word_is_none() -> None:
    assert (
        found(summary="Northfold pleases: {c2.purchase_rate} of them bought (all users {c2.purchase_rate|all}).") == []
    )
    assert found(summary="A threefold rate: {c2.purchase_rate} of them bought (all users {c2.purchase_rate|all}).")
