"""What the structure of a site says about a page: its depth, its siblings, the form of its address and title.

No single word distinguishes a story from a section or a product from a list of products, but their places do: forty
leaves under one folder are of one kind.
"""

import re
from collections import Counter, defaultdict

import pandas as pd

from beha2vec_core.pages.text import SITE_SECTION_WORDS, path_segments, split_title, title_parts

SITE_KINDS = frozenset({"shop", "software", "news"})

# a site with a basket sells things
_BASKET = re.compile(
    r"/(shopping )?(cart|basket|bag|trolley|warenkorb|panier|carrito|cesta|carrello|winkelwagen|winkelmandje|koszyk|"
    r"varukorg|carrinho|kurv|kundvagn)(/|$)"
)
_BOUGHT_EVENT = re.compile(r"\boften:add_to_cart\b")
_GOODS_EVENT = re.compile(r"\boften:(add_to_cart|select_item)\b")
_BASKET_EVENT = re.compile(r":(add_to_cart|view_cart)\b")
# hosts of one site: docs.example.com and www.example.com are both example.com
_SUBDOMAIN = re.compile(
    r"^(www\d?|docs?|documentation|developers?|api|blog|news|help|support|status|app|shop|store|community|careers|jobs|learn|academy|m)\."
)
_SOFTWARE = re.compile(r"^/(docs|documentation|api|integrations|features|changelog|developers|pricing|use cases)(/|$)")
_SOFTWARE_HOST = re.compile(r"^(docs|developers?|api)\.")
_NEWS = re.compile(
    r"^/(?:\d{4}/\d{1,2}(?:/\d{1,2})?/)?(?:(?:sections?|news|topics?|category|rubrik|[a-z]{2})/)?(politics|world|local|nation|business|economy|sports?|"
    r"opinion|culture|arts|entertainment|science|environment|health|technology|tech|travel|food|life|lifestyle|education|"
    r"crime|weather|elections?|columns|columnists|letters|obituaries|obits|puzzles|crosswords?|comics|story|stories|live|"
    r"video|galleries|horoscopes?|politik|wirtschaft|kultur|panorama|politique|economie|monde|deportes|economia|cultura|"
    r"cronaca)(?:/|$)"
)
# of those sections a newspaper has at least this many; a university or a blog has a few
MIN_NEWS_SECTIONS = 5
# from this many pages with items on, a host is taken to report the items of all its pages, unless its basket says no
MIN_GOODS = 10
# from this share of leaves with a number or a code in their address, a leaf without one is of another kind
MIN_NUMBERED = 0.35
MANY = 4
_ENDS_IN_ID = re.compile(r"(?<!seite[ /])(?<!page[ /])\d$")
_ID = re.compile(r"\d{3,}|(?=[a-z]*\d)[a-z\d]{8,}")
_DATE = re.compile(r"/(19|20)\d\d([/ ](\d{1,2}|[a-z]{3})([/ ]\d{1,2})?)?[/ ]")


def page_shapes(pages: pd.DataFrame) -> pd.Series:
    """A text of words on each page's shape, for rules to match.

    ``depth-2``: number of segments, ``leaf`` or ``folder`` (the site has pages below it), ``siblings-none`` (no other
    leaf beside it), ``siblings-few`` (up to 4), ``siblings-many``; ``slug-short`` (up to 2 words in the last segment),
    ``slug-medium``, ``slug-long`` (4 and more); ``id`` (the slug has a number of three digits or a code); ``ids``
    (many leaves beside it end with a number, or of the host where few are beside it); ``date`` (in the path);
    ``title-short`` (up to 2 words in the first part of the title), ``title-medium``, ``title-long`` (5 and more);
    ``items-none``, ``items-one``, ``items-many`` (names of items seen on the page); ``named-item`` (the title is an
    item's name); ``no-goods`` (no items in its folder, though the host reports items). Last the kind of site: ``shop``
    (the host has a basket, or people put things into one), ``software`` (documentation, features or integrations),
    ``news`` (five of the sections that newspapers have).

    Args:
        pages: all pages of the site: ``hostname``, ``page_path``, ``page_title``, ``item_names``, ``events``.
    """
    segments = [path_segments(path) for path in pages["page_path"]]
    hosts = pages["hostname"].tolist()
    parents = [(host, path.rpartition("/")[0]) for host, path in zip(hosts, segments, strict=True)]
    folders = {
        (host, path[:cut])
        for host, path in zip(hosts, segments, strict=True)
        for cut in [place for place, letter in enumerate(path) if letter == "/" and place]
    }
    leaves = Counter(
        parent for host, path, parent in zip(hosts, segments, parents, strict=True) if (host, path) not in folders
    )
    shops = {
        host
        for host, path, events in zip(hosts, segments, pages["events"], strict=True)
        if _BASKET.search(path) or _BASKET_EVENT.search(events)
    }
    sites = [_SUBDOMAIN.sub("", host) for host in hosts]
    sections: dict[str, set[str]] = defaultdict(set)
    software = set()
    for host, site, path in zip(hosts, sites, segments, strict=True):
        sections[site].update(_NEWS.findall(path))
        if _SOFTWARE_HOST.search(host) or (_SOFTWARE.search(path) and host not in shops):
            software.add(site)
    news = {site for site, names in sections.items() if len(names) >= MIN_NEWS_SECTIONS}
    with_items = Counter(host for host, items in zip(hosts, pages["item_names"], strict=True) if items)
    # pages from which people put things into the basket: more with items than without?
    balance: Counter[str] = Counter()
    for host, items, events in zip(hosts, pages["item_names"], pages["events"], strict=True):
        if _BOUGHT_EVENT.search(events):
            balance[host] += 1 if items else -1
    reporting = {host for host, number in with_items.items() if number >= MIN_GOODS and balance[host] >= 0}
    goods = {
        (host, folder)
        for host, path, parent, items, events in zip(
            hosts, segments, parents, pages["item_names"], pages["events"], strict=True
        )
        if items or _GOODS_EVENT.search(events)
        for folder in (parent[1], path)
    }
    # leaves with a number or a code in their address, by folder and by host
    leaves_of_host: Counter[str] = Counter()
    with_id: Counter[str | tuple[str, str]] = Counter()
    for host, path, parent in zip(hosts, segments, parents, strict=True):
        if (host, path) not in folders:
            leaves_of_host[host] += 1
            with_id.update([host, parent] if _ENDS_IN_ID.search(path) else [])
    shapes = []
    for host, site, path, parent, title, items in zip(
        hosts, sites, segments, parents, pages["page_title"], pages["item_names"], strict=True
    ):
        folder = (host, path) in folders
        slug = path.rpartition("/")[2]
        others = leaves[parent] - (not folder)
        parts = title_parts(title, host)
        words = [
            f"depth-{path.count('/') if slug else 0}",
            "folder" if folder else "leaf",
            f"siblings-{_bucket(others, 0, MANY, ('none', 'few', 'many'))}",
            f"slug-{_bucket(len(slug.split()), 2, 3, ('short', 'medium', 'long'))}",
            f"title-{_bucket(len(parts[0].split()) if parts else 0, 2, 4, ('short', 'medium', 'long'))}",
            f"items-{_bucket(len(items), 0, 1, ('none', 'one', 'many'))}",
        ]
        words += ["id"] if _ID.search(slug) else []
        of, number = (parent, leaves[parent]) if leaves[parent] > MANY else (host, leaves_of_host[host])
        words += ["ids"] if with_id[of] >= MIN_NUMBERED * max(number, 1) else []
        words += ["date"] if _DATE.search(path) else []
        words += ["named-item"] if parts and any(parts[0] == " ".join(title_parts(name)) for name in items) else []
        beside = path if folder else parent[1]
        words += ["no-goods"] if host in reporting and (host, beside) not in goods else []
        words += ["shop"] if host in shops else []
        words += ["software"] if site in software and site not in news else []
        words += ["news"] if site in news else []
        shapes.append(" ".join(words))
    return pd.Series(shapes, index=pages.index, dtype=object)


def without_site_name(pages: pd.DataFrame) -> pd.Series:
    """Titles without the part that most pages of their host end with, which names the site.

    A host of fewer than five pages is too small to judge, and keeps its titles. `Docs`, `Blog` and the like name a part
    of the site and stay.
    """
    parts = [split_title(title) for title in pages["page_title"]]
    hosts = pages["hostname"].tolist()
    sizes = Counter(hosts)
    ends = Counter(
        (host, end)
        for host, of_page in zip(hosts, parts, strict=True)
        for end in ({of_page[0], of_page[-1]} if of_page else ())
    )
    names = {
        (host, part)
        for (host, part), pages_with in ends.items()
        if sizes[host] >= 5 and pages_with > 0.4 * sizes[host] and part.lower() not in SITE_SECTION_WORDS
    }
    titles = []
    for host, of_page, title in zip(hosts, parts, pages["page_title"], strict=True):
        kept = [part for part in of_page if (host, part) not in names]
        titles.append(title if not kept or len(kept) == len(of_page) else " | ".join(kept))
    return pd.Series(titles, index=pages.index, dtype=object)


def _bucket(number: int, low: int, high: int, names: tuple[str, str, str]) -> str:
    return names[0] if number <= low else names[1] if number <= high else names[2]
