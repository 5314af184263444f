"""What to do next, each piece of advice with the fact that asks for it."""

from beha2vec_core.insights.names import buys, page_type_focus
from beha2vec_core.insights.sheet import Fact, FactSheet
from beha2vec_core.insights.template.clauses import is_known_source

MOST = 3
TEST_LANDING = "Test the page they land on, for many it is all they see"
_LEAVES_THE_CART = 2.0  # this many times more users fill a cart than buy
_BY_PAGE_TYPE = {
    "support": "Answer their question earlier, on the pages they come from",
    "error": "Check which links and campaigns lead to the failing pages",
    "account": "Put what they come for at the top of the account",
    "login": "Keep them signed in",
    "search": "Read what they search for, and fix searches that find nothing",
    "comparison": "Make comparing easier, with the same attributes, in the same order, for every product",
    "article": "Link each article to the next step, and measure how many take it",
    "article_list": "Link each article to the next step, and measure how many take it",
    "store_finder": "Show opening hours near them, and count visits to stores as an outcome",
    "pricing": "Offer a talk or a trial next to the prices",
    "documentation": "Ask what they were looking for, and fill the gaps of the documentation",
    "wishlist": "Remind them of the wish list when something on it changes",
    "product": "Help them to choose with similar products, reviews, and a reminder of what they viewed",
    "category": "Help them to narrow down with filters, and a short way to the product",
}
# the same where the site sells
_IN_A_SHOP = {
    "support": "Answer their question earlier, on product, order and confirmation pages",
    "account": "Offer to order again right in the account",
    "login": "Keep them signed in, and offer to order again right after the log-in",
    "article": "Link each article to the next step, a product or a list, and measure how many take it",
    "article_list": "Link each article to the next step, a product or a list, and measure how many take it",
    "store_finder": "Show stock and opening hours near them, and count visits to stores as an outcome",
    "wishlist": "Remind them of the wish list when a price falls",
    "category": "Help them to narrow down with filters, best sellers, and a short way to the product",
}


def advice(sheet: FactSheet) -> list[tuple[str, Fact | None]]:
    """Up to three things to do, each with the fact that asks for it."""
    found = [*_on_trouble(sheet), *_on_buying(sheet), *_on_interest(sheet), *_on_arrival(sheet)]
    page = next(iter(sheet.over("page_share")), None)
    if page and len(found) < MOST:
        found.append(("Start with the page that is typical of them", page))
    if not found:
        return [("Build no campaign on this group yet; look again after the next fit", None)]
    advised: dict[str, Fact | None] = {}
    for text, fact in found:
        advised.setdefault(text, fact)
    return list(advised.items())[:MOST]


def _on_trouble(sheet: FactSheet) -> list[tuple[str, Fact]]:
    idle, errors = sheet.number("no_engagement_time_share"), sheet.number("error_page_user_share")
    found = []
    if idle and idle.is_over:
        found.append(("Check whether these are bots before counting them in any rate", idle))
    if errors and errors.is_over:
        found.append(("Repair or redirect the pages that fail these users", errors))
    return found


def _sells(sheet: FactSheet) -> bool:
    """Whether any user of the site fills a cart or buys."""
    facts = (sheet.number(metric) for metric in ("purchase_rate", "add_to_cart_share"))
    return any(fact is not None and fact.population_value > 0 for fact in facts)


def _on_buying(sheet: FactSheet) -> list[tuple[str, Fact]]:
    """Buyers are worth finding more of; who fills a cart and leaves it is worth asking why."""
    rate, cart = sheet.number("purchase_rate"), sheet.number("add_to_cart_share")
    leaves = cart is not None and cart.is_over and rate is not None and cart.value > _LEAVES_THE_CART * rate.value
    found: list[tuple[str, Fact]] = []
    if rate and buys(sheet):
        found.append(("Use them as the seed of a look-alike audience and keep their path to the order short", rate))
        if cart and leaves:
            found.append(("Remind those who leave the cart", cart))
    elif cart and leaves:
        found.append(("Find out what stops them between cart and order, test costs and forms", cart))
    return found


def _on_interest(sheet: FactSheet) -> list[tuple[str, Fact]]:
    themes, sells = {fact.feature: fact for fact in sheet.over("theme_view_share")}, _sells(sheet)
    found = []
    if "offers" in themes:
        judged = ", and judge the campaign by margin, not by orders alone" if sells else ""
        found.append((f"Show them offers first{judged}", themes["offers"]))
    if "brands" in themes:
        found.append(("Tell them what is new from their brand", themes["brands"]))
    to_do = _BY_PAGE_TYPE | (_IN_A_SHOP if sells else {})
    focus = [(fact.feature or "", fact) for fact in page_type_focus(sheet)]
    return found + [(to_do[kind], fact) for kind, fact in focus if kind in to_do]


def _on_arrival(sheet: FactSheet) -> list[tuple[str, Fact]]:
    single = sheet.number("one_page_view_share")
    found = [(TEST_LANDING, single)] if single and single.is_over else []
    sources = [fact for fact in sheet.over("first_user_source_share") if is_known_source(fact)]
    return found + [("Speak to them where they come from", fact) for fact in sources[:1]]
