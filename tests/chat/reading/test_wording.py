"""Questions in the words that an independent tester used: what they ask for, or why they are not answered."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from tests.benchmarks.chat_questions import given
from tests.semantic.semantic_world import make_world

CART_ON = "step=2 cart;3 checkout;4 shipping step;5 payment step;6 order"
CHECKOUT_ON = "step=3 checkout;4 shipping step;5 payment step;6 order"
COHORT = "users | user=visited within {} days after they visited | 2026-04-10..2026-04-10 | share"
COHORT_OF_NEW = COHORT.replace("they visited |", "they visited | user=visited (new) on 10 Apr 2026 |")
WHY = "2026-04-16..2026-05-13 | vs 2026-03-19..2026-04-15 | why"
ASKED = {
    "which users came from google": (
        "users | user=visited (google) && sessions | by user | user=visited (google) | top 10"
    ),
    "how long does it take from the first visit to a purchase": "days_to_order",
    "median days from first visit to first order": "median_days_to_order",
    "median number of visits before the first order": "median_visits_to_order",
    "average number of visits until people first buy": "visits_to_order",
    "how many pages do people view before they buy": "pages_to_order && median_pages_to_order",
    "average number of pages before buying": "pages_to_order",
    "median number of pages before the first order": "median_pages_to_order",
    "how many visits does it take before someone buys for the first time": "visits_to_order && median_visits_to_order",
    "what changed in the week of 4 may compared with the week before": (
        "sessions | 2026-05-04..2026-05-10 | vs 2026-04-27..2026-05-03 | why && "
        "revenue | 2026-05-04..2026-05-10 | vs 2026-04-27..2026-05-03 | why"
    ),
    # who came in a period and came back
    "how many ppl that came on apr 10th came back within 7 days": COHORT.format(7),
    "of the people who came on 10 april, how many came back within a week": COHORT.format(7),
    "how many of the 10 april visitors came back in the following 14 days": COHORT.format(14),
    "retention of all users from 10 april": COHORT.format(7),
    "retention of new users from 10 april": "retention | 2026-04-10",
    "7-day retention of the 10 april cohort": "retention | 2026-04-10",
    "30 day retention of users from 10 april": COHORT_OF_NEW.format(30),
    "how many users first came on 10 april and came back within 30 days": COHORT_OF_NEW.format(30),
    "how many new visitors of 10 april returned within 3 days": COHORT_OF_NEW.format(3),
    "how many customers who were here on 10 april did not come back within 7 days": "no",
    # the days after one against as many before
    "did revenue go up after 20 april": "revenue | 2026-04-21..2026-05-13 | vs 2026-03-29..2026-04-20",
    "conversion before and after 20 april": "conversion_rate | 2026-04-20..2026-05-13 | vs 2026-03-27..2026-04-19",
    "orders since 1 may vs before": "orders | 2026-05-01..2026-05-13 | vs 2026-04-01..2026-04-13",
    "orders before and after april": "no",  # and April itself
    "orders after 20 april": "orders | 2026-04-21..2026-05-13",
    # of each week, those who did it then, not those who did it at any time
    "users who viewed the cart by week": "users | by week | page_type=cart",
    "is the number of people who view the cart going up": "users | by month | page_type=cart",
    "users who ordered by month": "buyers | by month",
    "users who added to cart by week": "cart_users | by week",
    "users who viewed alta products by week": "no",
    "how many customers viewed the cart": "users | user=viewed cart pages",
    "users who viewed the Wool Hat and added it to their cart": (
        "users | user=viewed Wool Hat products and put Wool Hat in the cart"
    ),
    "share of shoppers who started the checkout": "users | user=reached the checkout | share",
    "share of customers who started the checkout": "users | user=reached the checkout | share",
    "what proportion of apparel buyers add to the cart": "cart_rate | cluster=1",
    "what percentage of cart sessions is mobile": (
        "sessions | session=visited (mobile) | session=reached the cart | share"
    ),
    "what drives revenue?": "no",
    "mobile users who added something to the cart": "users | device=mobile | user=reached the cart",
    "how much revenue do customers who abandoned their cart bring": "no",
    "share of customers who abandoned their cart": "users | user=reached the cart and did not order | share",
    "which page do email visitors land on first": "sessions | by landing_page | channel=Email",
    "what is the email address of our best customer": "no",
    "share of revenue from new customers vs repeat customers": "revenue | by order_number | order_number=",
    "how many items does an average order contain": "items_per_order",
    "how many buyers never used a coupon": "buyers | user=did not use a coupon",
    "sessions 7 days before and after april 10": "no",
    "do buyers come back more often than non-buyers": "no",
    # how often groups do it is the part of each that does, as their sizes differ
    "do tablet users come back more often than mobile users": (
        "users | by device | device=mobile;tablet | user=visited at least 2 times | share"
    ),
    "who adds to cart more often, mobile or desktop users": "cart_rate | by device | device=desktop;mobile",
    "which channel's visitors add to cart most often": "cart_rate | by channel",
    "which products are bought most often": "items_sold | by item",
    "distribution of orders per customer": "no",
    "share of users who ordered by month": "buyer_share | by month",
    "how many people reading /blog/how-to-wash-wool ordered": (
        "users | user=ordered | user=viewed page shop.example.com/blog/how-to-wash-wool | share"
    ),
    "revenue without coupons in april": "revenue | one_order=did not use a coupon | 2026-04-01..2026-04-30",
    "articles with the most views": "page_views | by page | page_type=article",
    "top items in the runners category": "items_sold | by item | item_subcategory=Runners",
    # of all of these products, or a list of them
    "how many different customers bought alta products": "buyers | item_brand=Alta",
    "revenue of alta products": "item_revenue | item_brand=Alta",
    "top 3 alta products": "items_sold | by item | item_brand=Alta | top 3",
    # buyers and others are people who bought and who did not, not the metric
    "pages per session for buyers and non-buyers": (
        "pages_per_session | user=ordered && pages_per_session | user=did not order"
    ),
    "repeat purchase rate on mobile": "buyers | device=mobile | user=ordered at least 2 times | share",
    "how many coupons were used in april": "orders | one_order=used a coupon | 2026-04-01..2026-04-30",
    "lifetime value of a customer by device": "revenue_per_buyer | by device",
    "most common landing page": "sessions | by landing_page",
    "which page loses the most visitors": "exits | by page",
    # where users first came from
    "buyers by first channel": "buyers | by first_channel",
    "first channel of people who put something in the cart but never bought": (
        "users | by first_channel | user=reached the cart and did not order"
    ),
    "which channel did our buyers first come from": "buyers | by first_channel",
    "users who first came via organic search": "users | first_channel=Organic Search",
    "users who first came via organic search in april": "no",
    "buyers in april who first came via organic search": (
        "buyers | first_channel=Organic Search | 2026-04-01..2026-04-30"
    ),
    "how many people first found us via google and then ordered": "buyers | first_source=google",
    "how many buyers first came via organic search but bought through email?": (
        "buyers | channel=Email | first_channel=Organic Search"
    ),
    "first channel vs last channel: how many buyers first came via organic search but bought through email?": (
        "buyers | channel=Email | first_channel=Organic Search"
    ),
    "users whose first channel was email but never bought": ("users | first_channel=Email | user=did not order"),
    # buyers are the whole, not users
    "is it true that most of our buyers use a mac": "buyers | os=Macintosh | share",
    "are most of our customers from germany": "buyers | country=Germany | share",
    "what share of our buyers is from germany": "buyers | country=Germany | share",
    "what share of customers use a coupon": "buyers | user=used a coupon | share",
    "what proportion of our shoppers orders on a tablet": "buyers | device=tablet | share",
    "do our buyers mostly use mobile": "buyers | device=mobile | share",
    "most orders are from germany, right?": "orders | country=Germany | share",
    "how much of our customer base is in austria": "buyers | country=Austria | share",
    "what percent of german buyers use a mac": "buyers | country=Germany | os=Macintosh | share",
    "do most people buy on mobile": "buyers | device=mobile | share",
    "do most of our customers order on a phone": "buyers | device=mobile | share",
    "share of buyers among mobile visitors": "buyer_share | device=mobile",
    "what share of visitors convert on mobile": "buyer_share | device=mobile",
    "what share of customers bounce": "no",
    "what percent of visitors only ever looked at one single page": "users | user=viewed pages exactly 1 time | share",
    "how many people visited just one page": "users | user=viewed pages exactly 1 time",
    "what share of orders used a coupon, and were they from germany": "orders | one_order=used a coupon | share",
    # which is the part, and which the whole
    "of the people who used a coupon, how many are new": "users | new_or_returning=new | user=used a coupon | share",
    "share of users on mobile of those who used a coupon": "users | device=mobile | user=used a coupon | share",
    "are most of the orders with a coupon from germany": "orders | country=Germany | one_order=used a coupon | share",
    # what is asked of them does not limit how many they are
    "how many orders in april, and were they on mobile?": (
        "orders | 2026-04-01..2026-04-30 && orders | device=mobile | 2026-04-01..2026-04-30 | share"
    ),
    "how many customers ordered more than 3 times and are they from germany?": (
        "buyers | user=ordered at least 4 times && buyers | country=Germany | user=ordered at least 4 times | share"
    ),
    "share of buyers who first came via email": "buyers | first_channel=Email | share",
    "first-touch revenue by channel": "revenue | by first_channel",
    "days to first order by first source": "days_to_order | by first_source",
    "users who first came from germany": "no",
    "buyers by last channel": "no",
    # people are counted where people are asked for
    "of the people who put something in the cart, how many actually bought": (
        "users | user=ordered | user=reached the cart | share"
    ),
    "share of users with a cart who ordered": "users | user=ordered | user=reached the cart | share",
    "what percentage of shoppers who start checkout finish it": (
        "users | user=ordered | user=reached the checkout | share"
    ),
    "which share of customers with a cart places an order, by device": (
        "users | by device | user=ordered | user=reached the cart | share"
    ),
    "how many people get from cart to order on mobile": (
        "users | device=mobile | user=ordered | user=reached the cart | share"
    ),
    "cart to order rate of mobile visits": "cart_to_order | device=mobile",
    "how many minutes do people spend on the site per visit?": "engagement_time",
    "seconds on site per session by device": "engagement_time | by device",
    "how many secs does a visit last in april": "engagement_time | 2026-04-01..2026-04-30",
    "avg minutes on site for email": "engagement_time | channel=Email",
    "how many hours did people spend on the site in total": "no",
    "minutes per user": "no",
    "average time between first and second order": "days_to_second_order",
    "how long until a customer places a second order?": "days_to_second_order",
    "how long does it take before a new customer orders again after the first order": "days_to_second_order",
    "what's the average gap between two orders on mobile": "days_between_orders | device=mobile",
    "how long until people order again?": "days_between_orders",
    "how soon do buyers reorder": "days_between_orders",
    "how many days pass between one order and the next": "days_between_orders",
    "median number of days between purchases by country": "median_days_between_orders | by country",
    "how many users don't buy": "users | user=did not order",
    "sessions without purchases": "sessions | session=did not order",
    "users who viewed /sale and bought": "users | user=viewed page shop.example.com/sale and ordered",
    "how many sessions had orders": "sessions | session=ordered",
    # the funnel between the steps that are named, and the part that is lost between two
    "funnel from product view to purchase": "funnel | by step",
    "show me the funnel from product view to order on mobile": "funnel | by step | device=mobile",
    "purchase funnel from view item to checkout": "funnel | by step | step=1 product view;2 cart;3 checkout",
    "funnel from add to cart onwards": f"funnel | by step | {CART_ON}",
    "checkout funnel by device": f"funnel | by step,device | {CHECKOUT_ON}",
    "which step of the checkout is the worst on tablet": f"funnel | by step | device=tablet | {CHECKOUT_ON}",
    "funnel from product view to purchase >> same for mobile": "funnel | by step | device=mobile",
    "funnel from sign up to purchase": "no",
    "funnel from visit to order": "no",
    "drop off between basket and checkout": "cart_without_checkout",
    "how many people do we lose between product view and cart": "view_without_cart_sessions",
    "what share does not continue from cart to checkout": "cart_without_checkout",
    "cart to purchase drop off by country": "cart_drop_order | by country",
    "how many sessions with a cart never reach payment": "cart_without_payment_sessions",
    "where do people leave between cart and order?": f"funnel | by step | {CART_ON}",
    "which step loses most between cart and purchase on mobile?": f"funnel | by step | device=mobile | {CART_ON}",
    "how many dropped from checkout to payment": "checkout_without_payment_sessions",
    "what pct of started checkouts gets abandoned": "checkout_abandonment",
    "from which page do visitors most often leave the site?": "exits | by page",
    # limits of groups, not of people
    "landing pages by bounce rate, only ones with at least 200 sessions": (
        "bounce_rate | by landing_page | with at least 200 sessions"
    ),
    "which countries convert best, considering only those with over 50 sessions": (
        "conversion_rate | by country | with at least 51 sessions"
    ),
    "how many of those with at least 5 sessions bought": "buyers | user=visited at least 5 times",
    # of one, on average, and beside another
    "how much does a visitor from email bring in": "revenue_per_user | channel=Email",
    "how much does a mobile visit bring in compared to desktop": (
        "revenue_per_session | by device | device=desktop;mobile"
    ),
    "revenue from email, and how does that compare to direct?": "revenue | by channel | channel=Direct;Email",
    "orders in march and how does that compare to april": (
        "orders | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31"
    ),
    "do we sell more on a weekend day or on a normal weekday?": "revenue | by weekend",
    "average price paid for a wool hat": "item_revenue | item=Wool Hat | per items_sold",
    # a state, not a change
    "why is conversion in the us so much higher": "conversion_rate | by country | country=United States | rest",
    "why is bounce rate worse on mobile": "bounce_rate | by device | device=mobile | rest",
    "why do returning users convert better": (
        "conversion_rate | by new_or_returning | new_or_returning=returning | rest"
    ),
    "why is conversion on mobile getting worse": f"conversion_rate | device=mobile | {WHY}",
    "why is conversion in the us higher on desktop": "no",
    "why are there more orders on desktop": "no",
    "why are so few mobile visitors buying": "conversion_rate | by device | device=mobile | rest",
    "why don't users from germany buy": "conversion_rate | by country | country=Germany | rest",
    "why do people not finish checkout?": f"funnel | by step | {CHECKOUT_ON}",
    "why do so few people buy": "funnel | by step",
    # an amount of money that an order has
    "how many orders were over 200 euros": "revenue | by one_order | count over 200",
    "orders over 200 in april": "revenue | by one_order | 2026-04-01..2026-04-30 | count over 200",
    "orders of at least \u20ac1,000 from mobile": "revenue | by one_order | device=mobile | count at least 1000",
    "how many customers spent more than 500 euros": "revenue | by user | count over 500",
    "customers with more than 2 orders": "buyers | user=ordered at least 3 times",
    "orders worth at least 1,200 eur": "revenue | by one_order | count at least 1200",
    "orders of at least 1.50 eur": "revenue | by one_order | count at least 1.5",
    "orders over 200 dollars": "no",
    "orders with more than 3 items": "orders | one_order=have at least 4 items",
    "revenue from orders over 200 euros": "revenue | by one_order | count over 200",
    "average order value of orders over 100": "no",
    "orders over 100 or under 20": "no",
    "orders over 100 and under 20 euros": "no",
    "orders between 50 and 100 euros": "revenue | by one_order | count at least 50 at most 100",
    "orders over 1.000 euros": "no",
    "countries with more than 1.000 sessions": "no",
    "users with more than 2 orders and more than 3 sessions": (
        "users | user=ordered at least 3 times and visited at least 4 times"
    ),
    "how many people made an order over 100": "no",
    "customers with an order over 100": "no",
    # words for the currency
    "how many euros did we make?": "revenue",
    "how many euros did mobile users spend": "revenue | device=mobile",
    "total EUR from mobile": "revenue | device=mobile",
    "users in euro countries": "no",
    "revenue in euro countries": "no",
    "sessions in euros": "no",
    "which clusters pay in dollars": "no",
    # a part of a whole
    "how much of our revenue is hats": "item_revenue | item_category=Hats | share",
    "which part of traffic is mobile": "sessions | device=mobile | share",
    "how many of our orders are from mobile": "orders | device=mobile | share",
    "how much does mobile contribute to revenue": "revenue | device=mobile | share",
    "how many of the users who came from google bought": "buyers | source=google",
    "what share does mobile have of revenue": "revenue | device=mobile | share",
    "how big is mobile in our revenue": "revenue | device=mobile | share",
    # a number that says which of them are meant
    "what fraction of visits is just one page?": "single_page_rate",
    "how many people leave after viewing only one page": "single_page_sessions",
    "single-page visits by device": "single_page_sessions | by device",
    "users with at least one order": "buyers",
    "users with more than one order": "users | user=ordered at least 2 times",
    "users with exactly one order": "users | user=ordered exactly 1 time",
    "orders with just one item": "orders | one_order=have exactly 1 item",
    "sessions with more than one page": "sessions | session=viewed pages at least 2 times",
    "sessions with more than 2 pages": "sessions | session=viewed pages at least 3 times",
    "visits with at most one page": "no",
    "one-time buyers": "buyers | user=ordered exactly 1 time",
    "which cluster has most new customers": "buyers | by cluster | order_number=first",
    "customers who bought more than 3 items": "buyers | user=bought at least 4 items",
    # who buys for the first time
    "are we getting more new customers lately?": (
        "buyers | order_number=first | 2026-04-16..2026-05-13 | vs 2026-03-19..2026-04-15"
    ),
    "revenue from first-time buyers": "revenue | order_number=first",
    # which comes first
    "bounce rate by device, worst first": "bounce_rate | by device",
    "conversion by device, worst first": "conversion_rate | by device | asc",
    "which countries have a poor conversion rate": "conversion_rate | by country | asc",
    "which devices have a good bounce rate": "bounce_rate | by device | asc",
    "which items sell badly": "items_sold | by item | asc",
    "how badly does mobile convert": "conversion_rate | device=mobile",
    "is our conversion rate any good": "conversion_rate",
    "how good is our bounce rate": "bounce_rate",
    "orders from good customers": "no",
    "orders by country smallest to largest": "orders | by country | asc",
    "top 3 countries by revenue, lowest first": "no",
    "conversion of mobile vs all other devices": "conversion_rate | by device | device=mobile | rest",
    "mobile vs everyone else conversion": "conversion_rate | by device | device=mobile | rest",
    "what day of the week do people buy most": "orders | by weekday",
    # people of a country, with a system, from a source
    "do americans spend more per order than germans?": "aov | by country | country=Germany;United States",
    "did the people from google spend more than those from newsletter?": (
        "revenue_per_user | by source | source=google;newsletter"
    ),
    "do people spend more time on mobile": "engagement_time | by device",
    # what each of them spends: of those with an order where the others could not have done it without one
    "do people who viewed shoes spend more than others": (
        "revenue_per_user | user=viewed theme shoes && revenue_per_user | user=did not view theme shoes"
    ),
    "do coupon users spend less": (
        "revenue | user=used a coupon | per buyers && revenue | user=did not use a coupon | per buyers"
    ),
    "what sold out": "no",
    "how many people viewed hats and ended up buying": "users | user=viewed theme hats and ordered",
    "how many buyers bought from more than one category": "no",
    "whats a visit from email worth": "revenue_per_session | channel=Email",
    "google or bing organic, which converts better": (
        "conversion_rate | by source_medium | source_medium=bing / organic;google / organic"
    ),
    "share of mobile among hats viewers": "users | device=mobile | user=viewed theme hats | share",
    "share of mobile among users who viewed hats": "users | device=mobile | user=viewed theme hats | share",
    "how many of our top 5 customers used a coupon": "no",
    "how many germans ordered": "buyers | country=Germany",
    "which day had most sessions and how many orders came that day": "sessions | by day",
    "people who visited in march and bought again in april": "no",
    "how much did we spend": "no",
    "ad spend by channel": "no",
    "do new users drop out of checkout more often than returning ones?": (
        "checkout_abandonment | by new_or_returning | new_or_returning=new;returning"
    ),
    # days with a name
    "orders on black friday": "orders | 2025-11-28..2025-11-28",
    "orders on cyber monday vs black friday": "orders | 2025-12-01..2025-12-01 | vs 2025-11-28..2025-11-28",
    "revenue on easter monday": "revenue | 2026-04-06..2026-04-06",
    "orders on valentine's day": "orders | 2026-02-14..2026-02-14",
    "revenue of the black friday campaign": "no",
    # a change without a measure
    "what drove the growth in april": (
        "sessions | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31 | why && "
        "revenue | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31 | why"
    ),
    # the verb
    "% of users who ever buy something": "buyer_share",
    "what percentage of visitors ever make a purchase": "buyer_share",
    "what share of mobile visitors buy": "buyer_share | device=mobile",
    "what share of users who bought something are on mobile": "buyers | device=mobile | share",
    "which country's customers buy the most": "orders | by country",
    "how many people from germany bought something": "buyers | country=Germany",
    "what do people from austria buy": "items_sold | by item | country=Austria",
    "how often do people buy": "no",
    # follow-ups, time, two kinds of values
    "orders by week >> same for mobile only": "orders | by week | device=mobile",
    "conversion by channel >> can you show me the same for tablets": "conversion_rate | by channel | device=tablet",
    "revenue last week >> same as last month?": "no",
    "aov trend over the year": "aov | by month",
    "google ads or facebook: which brings more revenue": (
        "revenue | source_medium=google / cpc && revenue | source=facebook"
    ),
    "which is better for us, google ads or facebook": (
        "conversion_rate | source_medium=google / cpc && conversion_rate | source=facebook"
    ),
    "paid search vs email": " && ".join(
        f"{metric} | by channel | channel=Email;Paid Search" for metric in ("sessions", "conversion_rate", "revenue")
    ),
    "mobile in germany vs desktop in france": " && ".join(
        f"{metric} | country={country} | device={device}"
        for country, device in (("Germany", "mobile"), ("France", "desktop"))
        for metric in ("sessions", "conversion_rate", "revenue")
    ),
    "sessions from email and google": "sessions | channel=Email && sessions | source=google",
    "us vs them": "no",
    "spent over 1000 euros": "no",
    "germany or france: where is conversion higher": "conversion_rate | by country | country=France;Germany",
    # words of degree and manner change nothing; those of time and choice do
    "in short, how badly did mobile convert in april, honestly": (
        "conversion_rate | device=mobile | 2026-04-01..2026-04-30"
    ),
    "how many people bought exclusively on mobile": "no",
    "number of customers who orderd at least 3 times": "buyers | user=ordered at least 3 times",
    # verbs of change
    "why did revenue double from march to april": (
        "revenue | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31 | why"
    ),
    "did orders plummet last week": "orders | 2026-05-04..2026-05-10 | vs 2026-04-27..2026-05-03",
    "how many tanks did we sell": "no",
    "which day did revenue tank": "no",
    # periods
    "sessions in the first quarter of 2026": "sessions | 2026-01-01..2026-03-31",
    "orders in the second half of 2025": "orders | 2025-07-01..2025-12-31",
    "orders last 14 days vs the 14 days before": "orders | 2026-04-30..2026-05-13 | vs 2026-04-16..2026-04-29",
    "orders since the start": "orders",
    "revenue year to date": "revenue | 2026-01-01..2026-05-13",
    "orders on mondays": "orders | weekday=Monday",
    # how often
    "how many people bought a second time": "users | user=ordered at least 2 times",
    "what share of customers ordered only once in april": (
        "buyers | user=ordered exactly 1 time | 2026-04-01..2026-04-30 | share"
    ),
    "what share of users bought more than once": "users | user=ordered at least 2 times | share",
    "how many users visited at least 5 times": "users | user=visited at least 5 times",
    "customers who visited at least 3 times": "buyers | user=visited at least 3 times",
    "revenue from repeat customers": "revenue | user=ordered at least 2 times",
    # places, items, weekends, an average day
    "sessions outside europe": "sessions | country!=Austria;France;Germany;United Kingdom",
    "conversion in europe vs north america": (
        "conversion_rate | country=Austria;France;Germany;United Kingdom && conversion_rate | country=United States"
    ),
    "share of orders from the us and from everywhere else": (
        "orders | by country | country=United States | share | rest"
    ),
    "weekend or weekdays, when do we sell more? per day please": "revenue | by weekend",
    "how many sessions per day on average in april": "sessions | 2026-04-01..2026-04-30",
    "average order value per day on average": "no",
    "which hats sell best": "items_sold | by item | item_category=Hats",
    "average daily users in april": "users | by day | 2026-04-01..2026-04-30",
    "sessions without paid search": "sessions | channel!=Paid Search",
    "which country do most hats buyers come from": "buyers | by country | item_category=Hats",
    "top 10 customers by sessions in april": "sessions | by user | 2026-04-01..2026-04-30 | top 10",
    "list the 5 customers with the highest number of orders": "orders | by user | top 5",
    "channels whose revenue fell most in april": (
        "revenue | by channel | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31 | change | asc"
    ),
    "compare customers of chrome and safari in april": (
        "buyers | by browser | browser=Chrome;Safari | 2026-04-01..2026-04-30"
    ),
    "compare page views on mobile and desktop": "page_views | by device | device=desktop;mobile",
    "most viewed product from email": "item_views | by item | channel=Email",
    "what share of users from email viewed hats": "users | channel=Email | user=viewed theme hats | share",
    "what share of new users viewed the cart page": "users | new_or_returning=new | user=viewed cart pages | share",
    "how many visitors added something to the cart on mobile and did not order": (
        "users | device=mobile | user=reached the cart and did not order"
    ),
    "what % of orders were placed with a coupon": "orders | one_order=used a coupon | share",
    "of the people who viewed hats, how many go on to buy": (
        "users | user=ordered after they viewed theme hats | user=viewed theme hats | share"
    ),
    "how many sessions did we record in april": "sessions | 2026-04-01..2026-04-30",
    "what percentage of sessions with an add_to_cart get to begin_checkout": (
        "sessions | session=reached the checkout | session=reached the cart | share"
    ),
    "are orders getting fewer": "orders | by month",
    "are new users more likely to buy than returning users": (
        "conversion_rate | by new_or_returning | new_or_returning=new;returning"
    ),
    # two counts, and what many have in common
    "how many users came from google and how many of them bought": "users | source=google && buyers | source=google",
    "what do buyers have in common": "buyers | by country | share | top 3 && buyers | by device | share | top 3",
    # it, them, which one
    "conversion rate in april >> is it worse on mobile": (
        "conversion_rate | by device | device=mobile | 2026-04-01..2026-04-30 | rest"
    ),
    "revenue by channel >> which of these was the worst": "revenue | by channel | asc",
    "top 3 countries by revenue >> and by orders instead": "orders | by country | top 3",
    "top 3 countries by revenue >> how many orders did they make": (
        "orders | by country | country=Germany;United Kingdom;United States"
    ),
    "why did revenue fall in april >> which channel contributed most to that": (
        "revenue | by channel | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31 | change"
    ),
    "sessions in april >> what share of those were on mobile": (
        "sessions | device=mobile | 2026-04-01..2026-04-30 | share"
    ),
    "users in april >> how many of them bought": "buyers | 2026-04-01..2026-04-30",
    "buyers in april >> how many of them are first timers": "no",
    "how many of them are there in total": "no",
    "revenue from tiktok >> and is it worse on mobile": "no",
    "revenue by country >> leave out the us": "revenue | by country | country!=United States",
    "customers with more than 1 order >> and the week before?": "no",
    # brand, segments
    "revenue per brand": "item_revenue | by item_brand",
    "best brand in april": "items_sold | by item_brand | 2026-04-01..2026-04-30",
    "how many Peak & Pine products did we sell": "items_sold | item_brand=Peak & Pine",
    "which segment buys most": "lookup:ranking",
    "checkout drop-off by device": "checkout_abandonment | by device",
    "how many checkouts were completed": "checkout_completion",
    "orders during weekdays": "orders | weekend=Monday to Friday",
    "how many segments are there": "lookup:clusters",
    "orders per customer segment": "orders | by cluster",
    "segment revenue by device": "revenue | by device",
    "segment 2 revenue by month": "revenue | by month | cluster=2",
}


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The world, with a display campaign that sold once."""
    path = make_world(tmp_path_factory.mktemp("words") / "serving.duckdb")
    with duckdb.connect(str(path)) as world:
        world.execute(
            """update ga4.fct_ga4__sessions set default_channel_group = 'Display'
            where session_key = (select max(session_key) from ga4.fct_ga4__purchases)"""
        )
        world.execute("delete from ga4.fct_ga4__purchases where occurred_on between '2025-10-01' and '2025-10-31'")
    return path


@pytest.fixture(scope="module")
def published(serving: Path) -> Published:
    """It keeps what is read once per publication."""
    return Published(serving)


@pytest.fixture
def lookup(published: Published) -> Lookup:
    return Lookup(published, Aliases(published.path))


@pytest.mark.parametrize(("question", "expected"), ASKED.items())
def test_what_is_asked_is_looked_up_or_refused(lookup: Lookup, question: str, expected: str) -> None:
    assert given(lookup, question)[0].startswith(expected)


def test_orders_over_an_amount_are_counted(lookup: Lookup, serving: Path) -> None:
    with duckdb.connect(str(serving), read_only=True) as data:
        ((over, under, worth),) = data.execute(
            "select count(*) filter (revenue > 200), count(*) filter (revenue < 50), sum(revenue) filter "
            "(revenue > 200) "
            "from ga4.fct_ga4__purchases"
        ).fetchall()
        ((once, buyers),) = data.execute(
            "select count(*) filter (n = 1), count(*) from (select count(*) as n from ga4.fct_ga4__purchases "
            "where user_key is not null group by user_key)"
        ).fetchall()
    assert f"Their revenue is {worth:,.2f} EUR" in lookup.ask("how much revenue is from orders over 200 euros").text
    assert f"; {once:,} of {buyers} buyers" in lookup.ask("share of one-time buyers").text
    assert f"Orders with revenue of more than 200.00 EUR: {over:,}, " in lookup.ask("orders over \u20ac200").text
    assert f"Orders with revenue of less than 50.00 EUR: {under:,}, " in lookup.ask("orders under 50 euros").text
    assert over and under
    assert "Amounts are in EUR" in lookup.ask("orders over $200").text


def test_sums_are_given_per_day(lookup: Lookup, serving: Path) -> None:
    with duckdb.connect(str(serving), read_only=True) as data:
        ((sessions, on_weekends),) = data.execute(
            "select count(*), count(*) filter (isodow(session_date) > 5) from ga4.fct_ga4__sessions "
            "where session_date between '2026-04-01' and '2026-04-30'"
        ).fetchall()
    assert f"On average {sessions / 30:.1f} per day" in lookup.ask("sessions per day on average in april").text
    per_day = f"weekend, {on_weekends / 8:g} (8 days)"
    assert per_day in lookup.ask("sessions in april: weekend or weekdays?").text


def test_an_amount_of_no_order_has_a_currency_too(lookup: Lookup) -> None:
    assert (
        "Orders with revenue of more than 100,000.00 EUR: 0, 0% of 401 orders." in lookup.ask("orders over 100000").text
    )
    assert "of exactly 120.00 EUR:" in lookup.ask("orders between 120 and 120 euros").text
    days = lookup.ask("revenue by day for tablet in april").text
    assert "All days:" in days and "unknown" not in days


def test_a_step_that_the_site_does_not_record_is_named(serving: Path, tmp_path: Path) -> None:
    path = tmp_path / "serving.duckdb"
    path.write_bytes(serving.read_bytes())
    with duckdb.connect(str(path)) as world:
        world.execute("update ga4.fct_ga4__funnel_sessions set step_4_at = null, step_5_at = null")
    lookup = Lookup(Published(path), Aliases(path))
    for question in (
        "funnel from product view to shipping", "funnel from shipping to payment", "shipping to payment rate",
        "drop off between view and shipping", "shipping without order",
    ):  # fmt: skip
        answer = lookup.ask(question)
        assert not answer.understood and "The site does not record the shipping step." in answer.text, question
        assert "shipping" not in answer.text.partition("Nearest")[2]
    assert lookup.ask("funnel from cart to order").understood


def test_tax_and_shipping_are_those_that_orders_report(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    april = "from ga4.fct_ga4__purchases where occurred_on between '2026-04-01' and '2026-04-30'"
    ((tax, shipping, orders),) = data.execute(f"select sum(tax), sum(shipping), count(shipping) {april}").fetchall()
    for question in (
        "how much VAT/tax did we collect in april", "sales tax charged on orders in april",
        "how many euros of tax in april",
    ):  # fmt: skip
        assert f"{tax:,.2f} EUR (n = " in lookup.ask(question).text, question
    for question in (
        "how much shipping did we charge in total in april", "what did customers pay for shipping in april?",
        "delivery fees in april", "how much money did we make from shipping in april",
    ):  # fmt: skip
        answer = lookup.ask(question).text
        assert f"{shipping:,.2f} EUR (n = {orders} orders that report it)" in answer, question
        assert "Revenue" not in answer, question
    assert "per order: highest for" in lookup.ask("which country has the highest shipping per order").text


def test_tax_that_the_site_does_not_report_is_not_zero(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "serving.duckdb"
    path.write_bytes(shop.read_bytes())
    with duckdb.connect(str(path)) as world:
        world.execute("update ga4.fct_ga4__purchases set tax = null")
    lookup = Lookup(Published(path), Aliases(path))
    for question in ("how much tax in april", "tax per order"):
        answer = lookup.ask(question)
        assert not answer.understood and "The site does not record the tax." in answer.text, question
    assert lookup.ask("shipping in april").understood


def test_words_that_are_not_known_are_named_once(lookup: Lookup) -> None:
    text = lookup.ask("zorblat quux " * 50 + " ".join(f"zorb{'a' * n}" for n in range(1, 30))).text
    assert text.count("zorblat") == 1 and "more words" in text and len(text) < 800


def test_a_drop_off_is_what_the_funnel_does_not_continue(lookup: Lookup) -> None:
    funnel, lost = lookup.ask("funnel from cart to checkout"), lookup.ask("drop off between cart and checkout")
    assert funnel.table is not None
    (_, carts, _), (_, checkouts, _) = funnel.table.rows
    assert f"{carts - checkouts:,} of {carts:,} sessions that reached the cart" in lost.text
    assert f"The other {carts - checkouts:,} " in funnel.text


def test_periods_that_are_not_whole_are_not_compared(lookup: Lookup) -> None:
    trend = lookup.ask("is traffic going up or down").text
    assert "Sessions per day, by month: about flat. On average " in trend and "(+3.7%)" in trend
    assert "The last month ends on 13 May 2026, so it is not compared." in trend
    assert "lowest for May 2026" not in lookup.ask("which month had the fewest page views").text
    assert "there is no whole month to compare" in lookup.ask("revenue by month since 2 may 2026").text


def test_each_measure_of_a_change_has_its_own_parts(lookup: Lookup) -> None:
    answer = lookup.ask("what drove the growth in april")
    sessions, revenue = answer.table, answer.more[0].table
    assert sessions is not None and revenue is not None
    assert "EUR" not in str(sessions.rows) and all("EUR" in row[-1] for row in revenue.rows)


def test_new_customers_are_not_new_users(lookup: Lookup) -> None:
    answer = lookup.ask("are we getting more new customers lately?").text
    assert "The first order is the first in the data, which begin on 1 Jun 2025." in answer


def test_months_without_an_order_are_zero(lookup: Lookup) -> None:
    for question in ("orders by month", "orders by month for desktop", "items sold of hats by month"):
        answer = lookup.ask(question)
        assert answer.table is not None and len(answer.table.rows) == 12, question
    rows = {row[0]: row[1] for row in lookup.ask("revenue per month").table.rows}  # type: ignore[union-attr]
    assert rows["2025-10-01"] == "0.00 EUR"
    assert "Months without orders are not listed." in lookup.ask("aov by month").text


def test_a_channel_that_is_also_a_verb_is_a_filter(lookup: Lookup) -> None:
    assert given(lookup, "orders from display")[0] == "orders | channel=Display"
    query, answer = given(lookup, "display orders by channel")
    assert query == "orders | by channel" and "“Display” was read as “show”" in answer.text


@pytest.mark.parametrize(
    "question", ["which segment likes surfing", "which cluster plays football", "who buys with friends"]
)
def test_what_is_unclear_is_named_with_questions_near_to_it(lookup: Lookup, question: str) -> None:
    answer = lookup.ask(question)
    assert not answer.understood and "Similar questions" in answer.text
    assert "“" in answer.text or "do not list who" in answer.text
