"""Turns of speech for errors, carts, coupons, comparisons and what goes on from an answer, in plain words."""

from __future__ import annotations

import pytest

from beha2vec_core.chat.rewrites.idioms import in_plain_words


@pytest.mark.parametrize(
    ("question", "plain"),
    [
        ("how many 404s are people hitting", "how many page views of error pages"),
        ("how many errors did mobile users see in march", "how many page views of error pages mobile in march"),
        ("what share of baskets end up abandoned", "what share of baskets abandoned"),
        ("is interest in hats picking up", "are views of hats growing"),
        ("which products are often returned", "which products by refunded orders"),
        ("how many customers bought again in march", "how many customers with repeat orders in march"),
        ("customers who bought again within 30 days", "customers who bought again within 30 days"),
        ("how many will come back next week do you think", "how many will come back next week"),
        ("share of visits where people searched", "share of visits that searched"),
        ("mobile or desktop, where do visitors buy less", "mobile or desktop, which has buy less"),
        ("mobile or desktop, where do we sell more", "mobile or desktop, which has sell more"),
        ("how many times was the TEN10 code used?", "how many orders used the coupon TEN10?"),
        ("how often did people redeem the voucher ten10", "how many orders used the coupon ten10"),
        ("how many times was the coupon used", "how many times was the coupon used"),
        ("which page was hit most in march", "which page was viewed the most in march"),
        ("how many people who filled a basket did not finish", "how many people who filled a basket did not order"),
        (
            "how many people just read and never buy anything",
            "how many people who viewed article pages and did not order",
        ),
        ("and what was that worth in euros", "and how much revenue was that"),
        ("add switzerland to the comparison", "and with switzerland"),
        ("add switzerland to the list", "add switzerland to the list"),
        ("of those who view a tent, how many buy in the same visit", "of sessions that view a tent, how many buy"),
        ("what stands out this month", "what changed this month"),
        ("trend of site searches since january", "trend of page views of search pages since january"),
        ("what % of orders came with a discount code", "what % of orders with a discount code"),
        ("how many orders came with the newsletter", "how many orders came with the newsletter"),
        ("share of buyers who came back and bought again", "share of buyers who ordered at least twice"),
        ("what share of sales is our own brand Peak", "what share of sales is brand Peak"),
        ("which brands do new customers like most", "which brands do new customers buy"),
        ("how is use of the TEN10 code developing", "how is orders with the coupon TEN10 developing"),
        ("which device abandons the most carts", "which device has the most abandoned carts"),
        (
            "which pages do people view before they use the compare page",
            "which pages do people view before the compare page",
        ),
        ("internal search usage by device", "page views of search pages by device"),
        ("revenue from the site search", "revenue of sessions with a search"),
        ("sessions from organic searches", "sessions from organic searches"),
        ("which searches bring revenue", "which searches bring revenue"),
        ("sessions with a site search in march", "sessions with a site search in march"),
        ("do returning visitors buy more than new ones", "do returning visitors buy more than new visitors"),
        ("how many buyers can we expect in total", "how many users will buy"),
        ("how many customers do we have in france", "how many customers do we have in france"),
        ("have we had no orders yesterday?", "how many orders did we have yesterday?"),
        ("how many add to carts end up in an order", "how many sessions added something to the cart and ordered"),
        ("how many sessions with a cart had an order", "how many sessions added something to the cart and ordered"),
        (
            "customers from January who have not come back since",
            "users who bought in January but did not visit after January",
        ),
        ("what drives conversion on our site?", "what do users do before they buy?"),
        ("which channel drives conversion?", "which channel drives conversion?"),
        (
            "what explains the higher conversion of newsletter traffic",
            "why is the conversion of newsletter traffic higher",
        ),
        ("what explains the higher revenue in march", "what explains the higher revenue in march"),
        (
            "why do direct users buy so much less than the rest",
            "why do direct users conversion rate lower than the rest",
        ),
        ("top 3 by number of items sold instead", "and top 3 by items sold"),
        ("orders that used no code", "orders that did not use a code"),
        (
            "share of users who searched and ordered in the same visit",
            "share of users who searched and ordered in the same visit",
        ),
        ("shoe sales by type", "shoe sales by subcategory"),
        ("users by type", "users by type"),
        ("fastest growing channels in may", "which channels are growing fastest in may"),
        ("Good morning all, orders last week?", "orders last week?"),
        ("orders this morning", "orders this morning"),
        (
            "users who bought in January but haven't been back since",
            "users who bought in January but did not visit after January",
        ),
        ("win-back list: bought in May, no visits since", "users who bought in May but did not visit after May"),
        (
            "winback candidates: spent over 200 euros, no visit in 4 weeks",
            "users who did not visit in the last 4 weeks with over 200 euros of revenue",
        ),
        (
            "who hasn't visited for 30 days but spent at least 50",
            "users who did not visit in the last 30 days with at least 50 of revenue",
        ),
        ("customers who spent more than 500 euros in total", "users with more than 500 euros of revenue"),
        ("customers who spent more than 500 euros per order", "customers who spent more than 500 euros per order"),
        ("how many buyers were active yesterday", "how many users who visited yesterday and ordered at whatever time"),
        ("how many users were active last week", "how many users visited last week"),
        ("how many users came only once and never again?", "how many users visited exactly 1 times?"),
        ("any countries with many sessions but few orders", "countries with many sessions but few orders"),
        ("which types of people come through email", "users by segment from email"),
        ("what types of people buy on mobile", "what types of people buy on mobile"),
        ("how many orders have more than one hat", "how many orders that bought more than one hat"),
        ("orders with 2 or more hats", "orders that bought at least 2 hats"),
        ("orders with more than 200 euros", "orders with more than 200 euros"),
        ("do people who searched buy more", "do people who searched buy more than others"),
        ("do our users spend more", "do our users spend more"),
        ("do mobile users buy more than others", "do mobile users buy more"),
    ],
)
def test_turns_of_speech_are_our_measures(question: str, plain: str) -> None:
    assert in_plain_words(question) == plain
