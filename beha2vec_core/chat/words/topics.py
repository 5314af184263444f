"""What people ask for that web analytics data do not have, and values that these data do not have, by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from beha2vec_core.chat.words.places import COUNTRIES
from beha2vec_core.chat.words.spelling import english_words
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.definitions import DIMENSIONS
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.words import listed

_TOPICS = {  # in the plural: "The data have no ..."
    "opens, clicks or subscribers of e-mails": r"(?:e[- ]?mails?|newsletters?|mailings?)\b.*\b(?:open|opens|opened|"
    r"click|clicks|clicked|ctr|subscri\w+|unsubscri\w+|sign(?:s|ed|ing)?[- ]?ups?|recipients?)|subscribers?|"
    r"subscriptions?|unsubscri\w+|open(?:ing)? rates?",
    "clicks or impressions of ads": r"ctr|click[- ]through|impressions?|ad clicks|viewability|ad frequency",
    "costs that you pay for shipping (what orders were charged is “shipping charged”)": r"(?:shipping|delivery|"
    r"postage) costs?|costs? (?:of|for) (?:shipping|delivery|postage)",
    "costs, budgets or returns on them": r"costs?|cpa|cac|cpc(?= by)|cpm|cpl|roas|roi|budgets?|ad ?spend|bids?",
    "profits, margins or cost prices": r"profit\w*|margins?|cogs|cost of goods|mark[- ]?ups?",
    "ages, genders, incomes or interests of people": r"ages?|aged|(?:how|years?) old|old(?:er|est)?|young\w*|gender|"
    r"sex|male|females?|(?:men|man|women|woman|boys|girls)(?!'s)|millennials|gen z|demograph\w*|education|jobs?|job "
    r"titles?|professions?|household|salary|interests?|hobbies|married|kids",
    "names or contact details of people": r"(?:e[- ]?mail|ip|postal|home|street) address\w*|phone numbers?|names of|"
    r"zip codes?|postal codes?|postcodes?|full names?",
    "cities, regions or languages": r"city|cities|towns?|regions?|states?|province|counties|language\w*|speak\w*|"
    r"berlin|london|paris|munich",
    "screens, models of phones or versions": r"screen (?:sizes?|resolutions?)|resolutions?|phone models?|"
    r"device models?|(?:os|browser) versions?",
    "stock": r"stock|inventory|in stock|out of stock|warehouse|availab\w+|sold out",
    "prices (what an item brought on average is “revenue per item sold”)": r"prices?|pricing|priced|expensive|"
    r"cheap(?:est)?|dearest|priciest|pricey",
    "deliveries": r"deliver(?:y|ies|ed)|shipped|shipment\w*|parcels?|courier|tracking numbers?",
    "ways of payment": r"pay(?:ment)? methods?|paypal|credit cards?|klarna|apple pay|invoices?|(?:by|debit|"
    r"credit) card",
    "marks of bots or fake visits": r"bots?|robots?|crawlers?|scrapers?|spam\w*|fake|real (?:people|users)|humans?",
    "weather": r"weather|rain\w*|temperatures?|sunny|heat ?wave|snow\w*",
    "television, radio or print": r"tv|television|radio|print|billboards?|flyers?|podcasts?|commercials?",
    "competitors, or prices and sales elsewhere": r"competit\w+|rivals?|amazon|ebay|etsy|elsewhere|other shops|"
    r"market share|benchmarks?|industry average|cheaper",
    "satisfaction, ratings or reviews": r"satisf\w+|nps|csat|ratings?|reviews?|star ratings?|happy|unhappy|feedback|"
    r"surveys?|sentiment|complaints?|complain\w*",
    "contacts with support": r"support|tickets?|calls?|customer service|chats?|hotline|help ?desk",
    "sales outside the site": r"offline|in[- ]store|brick|retail stores?|pop[- ]up|wholesale|phone orders?|by phone",
    "apps": r"apps?|installs?|app store|play store",
    "speed or errors of the site": r"load(?:ing)? times?|site speed|speed|core web vitals|vitals|uptime|downtime|"
    r"outages?|errors?|404|crash reports?",
    "rankings in search engines": r"rank(?:s|ing|ings)? (?:on|in|for)|(?:google|seo|keyword|search) (?:position|"
    r"rank\w*)|rankings?|keywords?|backlinks?|domain authority|search volume",
    "followers, likes or shares on social networks": r"followers?|likes|comments?|retweets?|mentions|"
    r"influencers?|hashtags?",
    "accounts, members or points": r"accounts?|members?|memberships?|loyalty (?:points|program\w*)|points|"
    r"registrations?|registered|sign(?:s|ed|ing)?[- ]?ups?|logged[- ]in|log[- ]?ins?|"
    r"signed[- ]in",
    "goals or plans": r"goals?|targets?|plan|planned|quota|kpi targets?|attainment",
    "employees": r"employees?|staff|ceo|salaries",
    "cancellations": r"cancel\w+",
    "reasons of returns": r"(?:return|refund) reasons?|reasons? (?:for|of) (?:the )?(?:returns?|refunds?)",
    "experiments": r"a/b tests?|ab tests?|experiments?|variants?",
    "maps of clicks or scrolling": r"heat ?maps?|scroll\w*|mouse|eye tracking|hover\w*",
    "amounts of refunds or discounts": r"(?:refund|refunded|discount|discounted) (?:amounts?|values?|sums?)|"
    r"amount refunded|how much discount",
}
_CHANNELS = {  # GA4's default channel groups, and what people call them
    "AI Assistant": (
        "ai", "ai assistants", "ai chatbot", "ai tool", "ai search", "ai bot", "llm", "chatgpt", "chat gpt",
        "perplexity", "copilot", "openai",
    ),
    **DIMENSIONS["channel"].values,
    "Organic Video": (), "Organic Social": (), "Paid Other": (), "Organic Shopping": (),
    "Cross-network": ("performance max", "pmax"), "Audio": ("audio ads", "audio ad"), "SMS": ("text message",),
    "Mobile Push Notifications": ("push notification", "mobile push", "push message"),
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]{4,}")  # of which all common ones are known
_NO_NAME = re.compile(
    r"(?:with(?:out)?|only|both|first|last|before|after|other|new|not|but|than|each|same|again|wh\w+)\b"
)
_NAMED = "campaign|brand|coupon"  # what mostly has a name before it
WORDS = frozenset(re.findall(r"[a-z]{3,}", " ".join(_TOPICS.values())))  # of them, which are not misspelled
_CODE = re.compile(r"[a-z]+[-_]?\d+|\d+[a-z]+")  # of a coupon: summer10
_OF_CODES = (
    r"\b(?:us(?:e|es|ed|ing)|redeem\w*|codes?|coupons?|vouchers?|appl(?:y|ied))(?: the)?(?: (?:code|coupon|voucher))?"
)
_SHOWN = 6  # values that are named
_COMPILED = {topic: re.compile(rf"\b(?:{words})\b") for topic, words in _TOPICS.items()}


def not_in_data(question: str, unknown: Sequence[str], contents: Contents) -> str:
    """What the words that were not understood ask for and the data lack, in a sentence; empty where it is not known.

    Args:
        question: in small letters.
        unknown: words of it.
    """
    words = [word.lower() for word in unknown]
    parts = {part for word in words for part in re.findall(r"[^\W_]+", word)}
    for topic, pattern in _COMPILED.items():
        for found in pattern.finditer(question):
            if parts & {*re.findall(r"[^\W_]+", found[0])}:
                return f"The data have no {topic}: “{clean_text(found[0], limit=40)}”."
    for dimension, values in _absent(contents).items():
        for phrase, value in values.items():
            is_asked = phrase in question and parts & {*_forms(phrase)}
            if is_asked and re.search(rf"(?<!\w){re.escape(phrase)}(?:e?s)?(?!\w)", question):
                return f"The data have no {DIMENSIONS[dimension].label} “{value}”."
    coupons = contents.values.get("coupon", [])
    for word in words if coupons else ():
        if _CODE.fullmatch(word) and re.search(rf"{_OF_CODES}\W+{word}\b|\b{word} (?:code|coupon|voucher)", question):
            return f"The data have no coupon “{word}”. They have {listed(coupons[:_SHOWN])}."
    for name in ("coupon", "campaign", "item_brand", "item_category"):
        said = any(
            re.search(rf"\b{re.escape(phrase)}s?\b", word)
            for word in words
            for phrase in DIMENSIONS[name].words
            if phrase in word
        )
        if said and not contents.values.get(name):
            return f"The data have no {DIMENSIONS[name].label}s."
    return ""


def no_such_name(question: str, unknown: Sequence[str]) -> str:
    """Of what the data have none with a name that was not understood, in a clause; empty where it seems to be no name.

    Args:
        question: in small letters.
        unknown: words of it.
    """
    said = re.escape(" ".join(unknown).lower())
    kind = re.search(rf"\b{said}(?: \w+)? ({_NAMED})\b|\b({_NAMED}) (?:named |called )?{said}\b", question)
    if kind and not _NO_NAME.match(said):
        return f"no {kind[1] or kind[2]} in the data has this name"
    if all(_WORD.fullmatch(word) and word.lower() not in english_words() for word in unknown):
        return "no channel, source, campaign, product, brand or page in the data has this name"
    return ""


def absent_channels(contents: Contents) -> dict[str, tuple[str, ...]]:
    """The channels of GA4's definition that no visit is of, by what people call them."""
    there = {value.lower() for value in contents.values.get("channel", [])}
    absent = {name: words for name, words in _CHANNELS.items() if name.lower() not in there}
    return {phrase: (name,) for name, words in absent.items() for phrase in (name.lower(), *words)} if there else {}


def _forms(phrase: str) -> list[str]:
    return [form for word in re.findall(r"[^\W_]+", phrase) for form in (word, f"{word}s", f"{word}es")]


def _absent(contents: Contents) -> dict[str, dict[str, str]]:
    """What people call values of channels, devices and countries that the data do not have, by dimension."""
    found: dict[str, dict[str, str]] = {}
    for name in ("device",):
        there = {value.lower() for value in contents.values.get(name, [])}
        found[name] = {
            phrase: value
            for value, phrases in DIMENSIONS[name].values.items()
            if value.lower() not in there
            for phrase in (value.lower(), *phrases)
        }
    there = {value.lower() for value in contents.values.get("country", [])}
    found["country"] = {name.lower(): name for name in COUNTRIES if name.lower() not in there}
    return found
