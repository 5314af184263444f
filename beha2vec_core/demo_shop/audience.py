"""Where visitors come from: devices, places and channels, in GA4's terms."""

from __future__ import annotations

from dataclasses import dataclass

from beha2vec_core.demo_shop.dice import Dice, Table
from beha2vec_core.demo_shop.personas import PERSONAS, Persona


@dataclass(frozen=True, slots=True)
class Device:
    """A device as GA4 reports it."""

    category: str
    operating_system: str
    operating_system_version: str
    browser: str
    browser_version: str
    brand: str
    model: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place as GA4 reports it, and the language people there have set."""

    continent: str
    sub_continent: str
    country: str
    region: str
    city: str
    language: str


@dataclass(frozen=True, slots=True)
class Channel:
    """An acquisition channel. ``tagged``: its landing URLs carry utm parameters; ``paid_click``: a gclid."""

    group: str
    source: str
    medium: str
    campaign: str | None = None
    referrer: str | None = None
    tagged: bool = False
    paid_click: bool = False

    @property
    def is_direct(self) -> bool:
        """True where GA4 knows no source."""
        return self.source == "(direct)"


_DESKTOPS = Table(
    (
        Device("desktop", "Windows", "Windows 11", "Chrome", "143.0.7499.110", "(not set)", "(not set)"),
        Device("desktop", "Windows", "Windows 10", "Edge", "143.0.3650.80", "Microsoft", "Edge"),
        Device("desktop", "Windows", "Windows 10", "Firefox", "146.0", "Mozilla", "Firefox"),
        Device("desktop", "Macintosh", "Intel 10.15", "Safari", "26.1", "Apple", "Safari"),
        Device("desktop", "Macintosh", "Intel 10.15", "Chrome", "142.0.7444.176", "Google", "Chrome"),
        Device("desktop", "Linux", "(not set)", "Firefox", "146.0", "Mozilla", "Firefox"),
    ),
    (0.38, 0.16, 0.1, 0.18, 0.14, 0.04),
)
_MOBILES = Table(
    (
        Device("mobile", "iOS", "iOS 26.1", "Safari", "26.1", "Apple", "iPhone"),
        Device("mobile", "iOS", "iOS 18.7", "Safari (in-app)", "(not set)", "Apple", "iPhone"),
        Device("mobile", "Android", "Android 16", "Chrome", "143.0.7499.109", "Samsung", "SM-S931B"),
        Device("mobile", "Android", "Android 15", "Samsung Internet", "29.0", "Samsung", "SM-A566B"),
        Device("mobile", "Android", "Android 14", "Android Webview", "143.0.7499.109", "Xiaomi", "2312DRA50G"),
        Device("tablet", "iOS", "iOS 26.1", "Safari", "26.1", "Apple", "iPad"),
    ),
    (0.38, 0.12, 0.26, 0.1, 0.08, 0.06),
)
_HEADLESS = Table(
    (
        Device("desktop", "Linux", "Linux x86_64", "Chrome", "79.0.3945.88", "Google", "Chrome"),
        Device("desktop", "Windows", "Windows 7", "Chrome", "84.0.4147.105", "Google", "Chrome"),
        Device("desktop", "Linux", "Linux x86_64", "Firefox", "68.0", "Mozilla", "Firefox"),
    ),
    (0.6, 0.25, 0.15),
)

_WEST, _NORTH, _EAST = "Western Europe", "Northern Europe", "Eastern Europe"
_PLACES: dict[Place, float] = {
    Place("Europe", _WEST, "Germany", "Berlin", "Berlin", "de-de"): 0.12,
    Place("Europe", _WEST, "Germany", "Hamburg", "Hamburg", "de-de"): 0.08,
    Place("Europe", _WEST, "Germany", "Bavaria", "Munich", "de-de"): 0.1,
    Place("Europe", _WEST, "Germany", "(not set)", "(not set)", "de-de"): 0.04,
    Place("Europe", _WEST, "Germany", "Saxony", "Leipzig", "de-de"): 0.05,
    Place("Europe", _WEST, "Austria", "Vienna", "Vienna", "de-at"): 0.08,
    Place("Europe", _WEST, "Switzerland", "Zurich", "Zurich", "de-ch"): 0.05,
    Place("Europe", _WEST, "Netherlands", "North Holland", "Amsterdam", "nl-nl"): 0.08,
    Place("Europe", _WEST, "France", "Ile-de-France", "Paris", "fr-fr"): 0.07,
    Place("Europe", _NORTH, "United Kingdom", "England", "London", "en-gb"): 0.09,
    Place("Europe", _NORTH, "Sweden", "Stockholm County", "Stockholm", "sv-se"): 0.05,
    Place("Europe", _NORTH, "Denmark", "Capital Region of Denmark", "Copenhagen", "da-dk"): 0.06,
    Place("Europe", _EAST, "Poland", "Masovian Voivodeship", "Warsaw", "pl-pl"): 0.06,
    Place("Americas", "Northern America", "United States", "Virginia", "Ashburn", "en-us"): 0.04,
    Place("Americas", "Northern America", "United States", "New York", "New York", "en-us"): 0.02,
    Place("(not set)", "(not set)", "(not set)", "(not set)", "(not set)", "en-us"): 0.01,
}
_PLACES_OF: dict[str, Table[Place]] = {
    persona.name: Table.of(
        {place: share * persona.countries.get(place.country, 1.0) for place, share in _PLACES.items()}
    )
    for persona in PERSONAS
}

DIRECT = Channel("Direct", "(direct)", "(none)")
CHANNELS: dict[str, Table[Channel]] = {
    "direct": Table.of({DIRECT: 1.0}),
    "organic": Table.of(
        {
            Channel("Organic Search", "google", "organic", "(organic)", "https://www.google.com/"): 0.85,
            Channel("Organic Search", "bing", "organic", "(organic)", "https://www.bing.com/"): 0.1,
            Channel("Organic Search", "duckduckgo", "organic", "(organic)", "https://duckduckgo.com/"): 0.05,
        }
    ),
    "paid_search": Table.of(
        {
            Channel(group, "google", "cpc", name, "https://www.google.com/", paid_click=True): weight
            for group, name, weight in (
                ("Paid Search", "brand_northfold_de", 0.4),
                ("Paid Shopping", "shopping_all", 0.4),
                ("Paid Search", "generic_tents", 0.2),
            )
        }
    ),
    "paid_social": Table.of(
        {
            Channel("Paid Social", "instagram", "paid_social", name, "https://l.instagram.com/", tagged=True): weight
            for name, weight in {"winter_lookbook": 0.6, "new_arrivals": 0.4}.items()
        }
    ),
    "social": Table.of(
        {
            Channel("Organic Social", "facebook.com", "referral", None, "https://m.facebook.com/"): 0.4,
            Channel("Organic Social", "pinterest", "social", "journal_pins", "https://www.pinterest.com/", True): 0.35,
            Channel("Organic Social", "instagram", "social", "bio_link", "https://l.instagram.com/", True): 0.25,
        }
    ),
    "newsletter": Table.of(
        {
            Channel("Email", "newsletter", "email", "weekly_02", None, tagged=True): 0.5,
            Channel("Email", "newsletter", "email", "weekly_03", None, tagged=True): 0.5,
        }
    ),
    "email": Table.of({Channel("Email", "transactional", "email", "order_update", None, tagged=True): 1.0}),
    "affiliate": Table.of(
        {
            Channel("Affiliates", "sparfuchs", "affiliate", "deals", "https://sparfuchs.example/", tagged=True): 0.7,
            Channel("Affiliates", "couponbox", "affiliate", "codes", "https://couponbox.example/", tagged=True): 0.3,
        }
    ),
    "referral": Table.of(
        {
            Channel("Referral", "trailforum.example", "referral", "(referral)", "https://trailforum.example/"): 0.6,
            Channel("Referral", "gearreviews.example", "referral", "(referral)", "https://gearreviews.example/"): 0.35,
            Channel("Unassigned", "(data deleted)", "(data deleted)", "(data deleted)"): 0.05,
        }
    ),
}


def device_of(persona: Persona, dice: Dice) -> Device:
    """A device for a user of this persona."""
    if persona.is_bot:
        return dice.pick(_HEADLESS)
    return dice.pick(_MOBILES if dice.chance(persona.mobile) else _DESKTOPS)


def place_of(persona: Persona, dice: Dice) -> Place:
    """A place for a user of this persona."""
    return dice.pick(_PLACES_OF[persona.name])


def channel_of(persona: Persona, dice: Dice) -> Channel:
    """A channel by which a user of this persona arrives."""
    return dice.pick(CHANNELS[dice.pick(persona.channel_table)])
