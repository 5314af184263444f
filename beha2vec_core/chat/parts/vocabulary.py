"""All phrases that are understood: of the grammar, and of the values in the data."""

from __future__ import annotations

import re
from calendar import month_name
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from beha2vec_core.chat.days.periods import MARK
from beha2vec_core.chat.days.weekdays import DAYS
from beha2vec_core.chat.parts.grammar import FILLERS, OF_ITEMS, Meaning, Value, Word, fixed_phrases, same_measures
from beha2vec_core.chat.rewrites.named_pages import Pages
from beha2vec_core.chat.rewrites.page_words import section_keys, sections, words_of_address
from beha2vec_core.chat.rewrites.rules import words_of_rules
from beha2vec_core.chat.words import topics
from beha2vec_core.chat.words.empty_words import is_aside, is_left_out
from beha2vec_core.chat.words.lemmas import as_key, normal, normal_of, tokens
from beha2vec_core.chat.words.numbers import NUMBER_WORDS
from beha2vec_core.chat.words.places import regions
from beha2vec_core.chat.words.spelling import Speller, english_words
from beha2vec_core.chat.words.verbs import NAMED_AFTER
from beha2vec_core.semantic.definitions import DIMENSIONS, SOURCES
from beha2vec_core.semantic.layer import Contents

_HOME = ("home page", "homepage", "start page", "front page")
_MEDIA = {"organic": ("organic search",), "cpc": ("paid search",)}  # what people call them beside their source
_ADS = re.compile(r"^(?:Paid |Display$|Cross-network$)")  # channels of ads
_HOSTS = "www|m|l|lm|mobile|touch|web|amp"  # of one site, on phones or for its links
_COMMA = re.compile(r",\s")
_LONGEST = 7  # words of a phrase
_MANY_ITEMS = 3  # whose names have a word that is not their last: hero, of "Hero Tee White"
_GOODS = {"product", "item", "article", "stuff", "thing", "merch", "merchandise", "gear", "good", "brand", "branded"}
_SHORT = 4  # letters of a word that may lack one
_MANY = OF_ITEMS | {"page", "landing_page", "campaign", "theme", "source"}
_SHORTEST = 6  # letters of a word that may be misspelled: shorter ones are often other words


class Vocabulary:
    """All phrases that are understood, with those of the values of one publication.

    Args:
        contents: the days and values of the published database.
    """

    def __init__(self, contents: Contents) -> None:
        """Collect the phrases."""
        self.contents = contents
        found: dict[str, list[Value]] = {}
        channels = contents.values.get("channel", [])
        names = {as_key(value) for value in channels}
        for part in {part for value in channels for part in tokens(value.lower())} - FILLERS:
            if normal(part) not in names:  # "paid": a part of several names
                some = tuple(value for value in channels if part in tokens(value.lower()))
                found[normal(part)] = [Value("channel", some)]
        if paid := tuple(value for value in channels if _ADS.search(value)):
            found[normal("ads")] = [Value("channel", paid)]
        parts = {*found}
        found |= _ads_of_sources(contents, Value("channel", paid)) if paid else {}
        for is_literal in (True, False):  # a value of the data before what people call another one
            for name, values in contents.values.items():
                named: dict[str, dict[str, None]] = {}  # facebook: facebook.com, m.facebook.com, l.facebook.com
                for value in values:
                    for phrase in [value] if is_literal else _phrases(name, value):
                        if key := as_key(phrase.strip("()")):
                            named.setdefault(key, {})[value] = None
                for key, every in named.items():
                    meant = found.setdefault(key, [])
                    if all(one.dimension != name for one in meant):
                        meant.append(Value(name, tuple(every)))
        for level, paths in _levels(contents.values.get("item_category", [])).items():
            if {one.dimension for one in found.get(level, [])} & {"source", "os", "browser", "item_brand"}:
                continue  # items of a brand: by their names
            one = next((one for one in found.get(level, []) if one.dimension == "item_category"), None)
            whole = Value("item_category", tuple(dict.fromkeys((*(one.values if one else ()), *paths))))
            found[level] = [whole if other is one else other for other in found.get(level, [])] + [whole] * (not one)
        for phrase, countries in regions(contents.values.get("country", [])).items():
            found.setdefault(as_key(phrase), [Value("country", countries)])
        campaigns: dict[str, list[str]] = {}  # by the words of their names: brand campaigns
        for name in contents.values.get("campaign", []):
            for word in {*re.findall(r"[a-z]{3,}", name.lower())}:  # but email campaigns are those of email
                if not any(one.dimension in SOURCES for one in found.get(as_key(word), [])):
                    campaigns.setdefault(as_key(f"{word} campaign"), []).append(name)
        found = {key: [Value("campaign", tuple(names))] for key, names in campaigns.items()} | found
        self.pages = Pages(contents.values.get("page", []))
        kinds = {key: {one.dimension for one in some} for key, some in found.items()}
        self.sections, self.clear = sections(contents.values, kinds, {*fixed_phrases()})
        for name, some in self.sections.items():
            found |= {key: [Value("page", some), Value("landing_page", some)] for key in section_keys(name)}
        self._of_items: dict[str, dict[str, None]] = {}  # the items whose names have a word
        ends: set[str] = set()  # pens: "Twist Pen", and "Pen and Pencil Set"
        for item in contents.values.get("item", []):
            words = [normal(word) for word in tokens(item.lower())]
            ends |= {*words[-1:]}
            for word in (*words, *("t", "shirt") * ("tee" in words), *("tee",) * ({"t", "shirt"} <= {*words})):
                self._of_items.setdefault(word, {})[item] = None
        heads = {word for word, some in self._of_items.items() if word in ends or len(some) >= _MANY_ITEMS}
        others = {*found, *topics.WORDS, *fixed_phrases()}
        heads = {head for head in heads - others if len(head) > 2 and head.isalpha()}
        for head in heads:
            found[head] = [Value("item", tuple(self._of_items[head]))]
        self._inner = heads - ends  # of names, and never their last word: alone only in the plural, tees and not short
        last: dict[str, list[str]] = {}  # clothing: Outdoor Clothing, where it has no other meaning
        for value in contents.values.get("item_category", []):
            *before, key = map(normal, tokens(value.lower()) or [""])
            if before and "/" not in value and key not in heads | others | _GOODS:
                last.setdefault(key, []).append(value)
        found |= {key: [Value("item_category", tuple(some))] for key, some in last.items()}
        for phrase, absent in topics.absent_channels(contents).items():
            found.setdefault(as_key(phrase), [Value("channel", absent)])
        of_data = {
            key: Meaning(
                "value",
                "head" if key in heads else "part" if len(values) == 1 and key in parts else "",
                tuple(dict.fromkeys(values)),
            )
            for key, values in found.items()
        }
        self._values = of_data  # also where a word has another meaning of its own: articles are items, and pages
        fixed = fixed_phrases()
        known = of_data | {key: fixed[key] for key in fixed if key not in of_data or fixed[key].kind != "change"}
        self._meanings = same_measures() | known
        self.known = self._meanings.keys()
        # by their first letter and the number of their spaces
        self._spelled: dict[tuple[str, int], list[str]] = {}
        for key, meaning in known.items():
            if meaning.kind != "filler" and not key.startswith("/") and key not in self._inner:
                self._spelled.setdefault((key[:1], key.count(" ")), []).append(key)
        self._of_addresses: dict[str, dict[str, None]] = {}  # the pages whose addresses have a word, without an s
        for page in contents.values.get("page", []):
            for word in words_of_address(page):
                self._of_addresses.setdefault(word.removesuffix("s"), {})[page] = None
        self.speller = Speller(
            {word for key in fixed for word in key.split(" ")}
            | words_of_rules()
            | topics.WORDS
            | {word for noun in NAMED_AFTER.split("|") for word in (noun.rstrip("?"), noun.rstrip("s?"))}
            | {*map(str.lower, month_name[1:]), *DAYS, "yesterday", "today"},
            {word for key in of_data for word in re.findall(r"[a-z]+", key)},
        )

    def read(self, text: str) -> Iterator[tuple[Word | None, str, str]]:
        """The phrases of a text in small letters, the longest first: what each stands for (None: not understood), the
        phrase, and a note where it was read as another one."""
        words = [token for token in tokens(text) if token.strip(".'")]
        listed = [
            sum(bool(token.strip(".'")) for token in tokens(text[: found.end()])) for found in _COMMA.finditer(text)
        ]
        place = 0
        while place < len(words):
            word, size, note = self.longest(words, place)
            ends = [end for end in listed if place < end < place + size]
            kinds = {word.kind, word.name, *(one.dimension for one in word.values)} if word else set()
            if ends and kinds & {"metric", "head", "source_medium"}:  # sessions, orders: two measures
                word, size, note = self.longest(words[: ends[0]], place)
            listed_to = words[: next((end for end in listed if end > place), None)]
            for later in range(place + 1, place + size):  # users | spend per order: the longer one of two that overlap
                is_longer = later < len(listed_to) and self._known(listed_to, later)[1] > size
                if is_longer and (before := self._known(words[:later], place))[1]:
                    word, size = before
                    break
            yield word, " ".join(words[place : place + size]), note
            place += size

    def without_hyphens(self, text: str) -> str:
        """The text with compound words apart (best-selling), but for names of the data, pages and hosts."""

        def apart(found: re.Match[str]) -> str:
            word = found[0]
            return word if re.search(r"[./_]\w", word) or as_key(word) in self._values else word.replace("-", " ")

        return re.sub(r"(?<![\w./-])[^\W_][\w./]*-(?=[a-z])[\w./-]*", apart, text)

    def without_slashes(self, text: str) -> str:
        """The text with "and" for a slash between words, but for a source with its medium: google / cpc."""

        def apart(found: re.Match[str]) -> str:
            one = self._meanings.get(normal_of([*tokens(found[1]), *tokens(found[2])]))
            is_pair = one and "source_medium" in (one.name, *(value.dimension for value in one.values))
            return f"{found[1]} " if is_pair else f"{found[1]} and "

        return re.sub(r"\(?([\w.-]+)\)? / (?=\(?([\w.-]+))", apart, text)

    def values_at(self, words: list[str], place: int) -> list[tuple[int, tuple[Value, ...]]]:
        """The values that begin at a place, the longest phrase first, each with its number of words."""
        sizes = range(min(_LONGEST, len(words) - place), 0, -1)
        found = [(size, self._values.get(normal_of(words[place : place + size]))) for size in sizes]
        known = [(n, one.values) for n, one in found if one and not (n == 1 and words[place] in self._inner)]
        size, some = self._items_at(words, place)
        return [(size, (Value("item", some),)), *known] if size > max((one for one, _ in known), default=0) else known

    def longest(self, words: list[str], place: int) -> tuple[Word | None, int, str]:
        """The longest phrase from a place on (None: not understood), how many words it has, and a note."""
        if words[place].startswith(MARK):
            return Word("period", words[place], place, name=words[place][1:]), 1, ""
        word, size = self._known(words, place)
        if size:
            return word, size, ""
        if is_aside(words[place]) or is_left_out(words[place]):
            return Word("filler", words[place], place), 1, ""
        if found := self._written_otherwise(words, place):
            return found
        return self._misspelled(words, place)

    def _written_otherwise(self, words: list[str], place: int) -> tuple[Word, int, str] | None:
        """A known phrase of two words that is written as one, or the other way round: tshirts, back packs."""
        one = words[place]
        for end in range(1, len(one) - 2):
            parts = [one[:end], one[end:]]
            word, size = self._known(parts, 0)
            if word and size == len(parts) and word.kind in ("metric", "by", "value"):
                return replace(word, text=one, place=place), 1, f"“{one}” was read as “{' '.join(parts)}”."
        both = " ".join(words[place : place + 2])
        meaning = self._values.get(normal(together := both.replace(" ", "")))
        if meaning and together != both:
            return Word("value", both, place, meaning.name, meaning.values), 2, f"“{both}” was read as “{together}”."
        return None

    def _known(self, words: list[str], place: int) -> tuple[Word | None, int]:
        """The longest known phrase from a place on, and how many words it has (0: there is none)."""
        for size in range(min(_LONGEST, len(words) - place), 0, -1):
            meaning = self._meanings.get(normal_of(words[place : place + size]))
            if size > 1 and words[place + size - 1] == "page" and words[place + size : place + size + 1] == ["views"]:
                verb = self._meanings.get(normal(words[place]))
                meaning = None if verb and verb.kind == "compare" else meaning  # "compare page views" is of no page
            if meaning is not None and size > 1 and words[place + size - 1] == "pages":  # of a theme, not one page
                whole = self._meanings.get(normal_of(words[place : place + size - 1]))
                themes = tuple(one for one in whole.values if one.dimension == "theme") if whole else ()
                is_page = bool(themes) and meaning.values[0].dimension in ("page", "landing_page")
                meaning = replace(meaning, values=themes) if is_page else meaning
            if meaning is not None and not (size == 1 and words[place] in self._inner):
                break
        else:
            size, meaning = 0, None
        several, items = self._items_at(words, place)
        if several > size:
            text = " ".join(words[place : place + several])
            return Word("value", text, place, "head", (Value("item", items),)), several
        return (_word(meaning, " ".join(words[place : place + size]), place) if meaning else None), size

    def _items_at(self, words: list[str], place: int) -> tuple[int, tuple[str, ...]]:
        """How many words from a place on stand together in names of items, and these: hero tees, YouTube stuff."""
        items: dict[str, None] | None = None
        size = 0
        number, noun = [*words[place : place + 2], "", ""][:2]
        # "5 products" are so many, not "5-Panel Cap"
        if number.isdecimal() or (number in NUMBER_WORDS and normal(noun) in _GOODS):
            return 0, ()
        for word in map(normal, words[place : place + _LONGEST]):
            some = {} if fixed_phrases().get(word) else self._of_items.get(word, {})
            both = some if items is None else {one: None for one in items if one in some}
            if not both:
                break
            items, size = both, size + 1
        if not items:
            return 0, ()
        after = self._meanings.get(normal(words[place + size])) if len(words) > place + size else None
        named = self._meanings.get(normal(words[place])) if size == 1 else None
        is_of_items = bool(named and OF_ITEMS & {one.dimension for one in named.values})
        is_followed = bool(after and after.values and after.values[0].dimension in OF_ITEMS)
        if size == 1 and words[place] in topics.WORDS and is_followed:
            return 1, tuple(items)  # men's apparel
        if size < 2 and not is_of_items:
            goods = next((n for n, one in enumerate(words[place + 1 :]) if normal(one) not in _GOODS), len(words))
            goods = min(goods, len(words) - place - 1)
            pages = [one for one in words[place + 1 + goods :][:1] if one in ("page", "pages")]
            return (1 + goods, tuple(items)) if goods and not pages else (0, ())
        return (size, tuple(items)) if size > 1 else (0, ())

    def pages_with(self, word: str) -> tuple[str, ...]:
        """The pages whose addresses have a word, which is given without an s at its end."""
        return tuple(self._of_addresses.get(word, ()))

    def _misspelled(self, words: list[str], place: int) -> tuple[Word | None, int, str]:
        """A phrase whose words are those of one known phrase, but for a letter of a long word."""
        for size in range(min(3, len(words) - place), 0, -1):
            text, key = " ".join(words[place : place + size]), normal_of(words[place : place + size]).split(" ")
            if MARK in text or any(char.isdigit() for char in text):
                continue
            if size == 1 and key[0] in english_words():
                continue
            alike = self._spelled.get((key[0][:1], len(key) - 1), [])
            near = [known for known in alike if _is_misspelled(key, known.split(" "))]
            if not near and size == 1 and len(key[0]) >= _SHORT:
                near = [known for known in alike if self._is_short_of(key[0], known)]
            if len(near) > 1:  # a letter is left out more often than typed twice: orderd is ordered, not order
                near = [known for known in near if len(known) > len(" ".join(key))]
            if len(near) == 1:
                return _word(self._meanings[near[0]], text, place), size, f"“{text}” was read as “{near[0]}”."
        return None, 1, ""

    def _is_short_of(self, word: str, known: str) -> bool:
        """Whether a short word lacks a letter of a known one, or has two in the other order; not of items."""
        if len(known) < len(word) or len(known) <= _SHORT:
            return False
        if _MANY & {value.dimension for value in self._meanings[known].values}:
            return False
        from rapidfuzz.distance import OSA

        is_shorter = len(known) == len(word) + 1
        return (is_shorter or sorted(word) == sorted(known)) and OSA.distance(word, known, score_cutoff=1) == 1


@lru_cache(maxsize=4)
def vocabulary_of(contents: Contents) -> Vocabulary:
    """The vocabulary of a publication, made once for all conversations about it."""
    return Vocabulary(contents)


def _ads_of_sources(contents: Contents, paid: Value) -> dict[str, list[Value]]:
    """The ads of each site, by what people call them: all visits from there by channels of ads, of whatever kind."""
    found: dict[str, dict[str, None]] = {}
    for pair in contents.values.get("source_medium", []) if contents.visits else []:
        if contents.go_together(("source_medium", (pair,)), (paid.dimension, paid.values)):
            for name in _phrases("source", pair.partition(" / ")[0]):
                others = ("adwords", f"{name} adwords") if name == "google" else ()
                for phrase in (f"{name} ads", *others):
                    found.setdefault(as_key(phrase), {})[pair] = None
    return {key: [Value("source_medium", tuple(pairs))] for key, pairs in found.items()}


def _levels(categories: list[str]) -> dict[str, list[str]]:
    """Categories by each level of those that are paths: "Home/Bags/Backpacks/" is one of bags, and of backpacks."""
    found: dict[str, list[str]] = {}
    paths = {path: [as_key(level) for level in path.split("/") if level] for path in categories if "/" in path}
    root = set.intersection(*map(set, paths.values())) if len(paths) > 1 else set()
    for path, levels in paths.items():
        for level in dict.fromkeys(levels):
            if level and level not in root:
                found.setdefault(level, []).append(path)
    return found


def _is_misspelled(words: list[str], known: list[str]) -> bool:
    """Whether the words are the known ones, but for one letter (or two that changed places) of each long one."""
    from rapidfuzz.distance import OSA  # only for questions with unknown words

    return len(words) == len(known) and all(
        word == right
        or (len(word) >= _SHORTEST and word[0] == right[0] and OSA.distance(word, right, score_cutoff=1) == 1)
        for word, right in zip(words, known, strict=True)
    )


def _word(meaning: Meaning, text: str, place: int) -> Word | None:
    if meaning.kind == "unknown":
        return None
    return Word(meaning.kind, text, place, meaning.name, meaning.values)


def _phrases(dimension: str, value: str) -> list[str]:
    """What people call a value."""
    if dimension == "source_medium":
        source, _, medium = value.partition(" / ")
        names = [medium.strip("()"), *_MEDIA.get(medium, ())]
        return [
            f"{one}{join}{name}" for one in _phrases("source", source.strip("()")) for name in names for join in " /"
        ]
    if dimension in ("page", "landing_page"):
        path = value[value.index("/") :] if "/" in value else value
        words = " ".join(tokens(path.strip("/").rpartition("/")[2]))
        return [value, path, *(_HOME if path == "/" else ()), *([f"{words} page"] if words else [])]
    if dimension == "page_type":
        called = (value, *DIMENSIONS[dimension].values.get(value, ()))
        return [phrase for name in called for phrase in (name, f"{name} page")]
    if dimension in ("item_category", "item_subcategory", "theme"):  # tents: of Tents & Shelters
        return [value, *re.split(r"\s*[&,]\s*|\s+and\s+|_and_", value)]
    others = DIMENSIONS[dimension].values
    named = next((some for known, some in others.items() if known.lower() == value.lower()), ())
    # a domain without its ending: partner site, for partner-site.example
    domain = re.fullmatch(rf"(?:(?:{_HOSTS})\.)?([a-z0-9-]{{4,}})\.[a-z.]{{2,}}", value.lower())
    if domain and domain[1] in english_words():  # keep.google.com is no "keep"
        is_own = value.count(".") < 2 or re.match(rf"(?:{_HOSTS})\.", value.lower())
        domain = domain if is_own and not re.search(rf"{domain[1]}\.\w{{4,}}\.", value.lower()) else None
    people = [f"{value}n"] if dimension == "country" and value.endswith("a") else []  # Austrian
    return [value, *named, *people, *([domain[1]] if domain else [])]
