"""Words of questions about metrics: the phrases of the definitions, of the grammar, and of the values in the data."""

from __future__ import annotations

import re
from calendar import month_name
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations_with_replacement

from beha2vec_core.chat.days.hours import hours_of
from beha2vec_core.chat.days.periods import DAYS, MARK
from beha2vec_core.chat.rewrites.buying_steps import steps_of
from beha2vec_core.chat.rewrites.page_words import section_keys, sections, titles
from beha2vec_core.chat.rewrites.rules import words_of_rules
from beha2vec_core.chat.words import topics
from beha2vec_core.chat.words.empty_words import is_aside, is_left_out
from beha2vec_core.chat.words.lemmas import as_key, normal, normal_of, same_phrases, tokens
from beha2vec_core.chat.words.places import regions
from beha2vec_core.chat.words.spelling import Speller, english_words
from beha2vec_core.chat.words.verbs import CHANGES
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS, STEPS
from beha2vec_core.semantic.layer import Contents

_FILLERS = """
    the a an of in on at for to and or is are was were be been being do does did have has had having we our us my i
    me you your it its they them their there this that these those with from by per each every all any some how many
    much what whats which who please show give tell list get see find let know want need can could would number
    count total overall amount sum website site shop webshop hello hi ok really actually currently so far make
    made bring brought come came coming go went send sent sends happen something in
    terms breakdown broken breaking
    across among during within over via through using used use out as into about data figure stat statistic
    report visited segment segmented sort sorted originated originate generated generate drove
    drive drives driving calculate plot table chart graph
    good hey dear quick question one kindly may might either very quite
    rather roughly approximately exactly pick picked receive received take taken took got gotten getting perform
    performing performed performance doing done going look looked looking seem wonder wondering curious check pull
    rank ranked store company here altogether combined full whole entire different distinct
    ever yet please times started were per there it's i'd i'm we've we're am as maybe
    actual us everybody everyone anybody anyone those whom browsed browse lot lots well now then if so entry whether
    booked recorded tracked
    respectively
    prefer preferred place placed web online ecommerce incoming inbound calendar draw produce yield yields
"""
FILLERS = frozenset(_FILLERS.split())
# kinds of phrases that say how a metric is shown or compared
_GRAMMAR: dict[str, str] = {
    "compare": """vs, versus, compare, compared, comparing, compare between, comparison between,
        compare to, compared to, compared with, comparison, against, than,
        difference, differ, difference between, contrast""",
    "rest": "allothers",
    "qualifier": "both, only, just, again, still, together, also, too, often",  # see `qualifiers.py`
    "without": "without",
    "cause": "askswhy",
    "happened": "happened, happen to",
    "common": "in common",
    "share": """share, percentage, percent, %, proportion, fraction, part of, what part of, which part of, what part,
        which part, share of,
        percentage of, proportion of, % of, split, split between, ratio between, how many percent,
        how much percent, how many %, portion, slice,
        chunk, make up, account for, makes up, accounts for, distribution, mix, composition, contribution, weight""",
    "trend": """trend, over time, develop, development, developed, developing, evolve, evolving, evolution, evolved,
        history, time series, timeline, trending, growing, going up, going down, going up or down, up or down,
        rising, falling, declining, shrinking, progress, increasing, decreasing, dropping, improving, fluctuate,
        fluctuating, fluctuation, stagnate, stagnated, stagnating, plateau, plateaued, plateauing, stable, steady, flat,
        flattened, flattening, level off, leveled off, worsening, recovering, soaring, climbing, sinking, sliding,
        slipping, collapsing, plummeting, dwindling, moving up, moving down, trajectory, momentum, curve""",
    "change": ", ".join(("grow most", "growth in", "growth of", "spike in", *CHANGES)),
    "judged": "best, worst, bad, good, strong, weak, poor, best first, worst first, best to worst, "
    "worst to best, successful, unsuccessful, effective, ineffective",
    "high": """most, top, highest, biggest, largest, greatest, busiest, strongest, popular, peak, record, main, major,
        leading, hottest, number one, no 1, primary, principal, dominant,  most popular, highest first,
        largest first, biggest first, most first, descending, descending order, high to low, mostly, mainly,
        longest, longest first, highest to lowest, largest to smallest, biggest to smallest, most to least, high,
        most often, fastest, max, maximum""",
    "low": """least, lowest, fewest, smallest, weakest, quietest, slowest, poorest, rarest, least popular,
         bottom, lowest first, smallest first, fewest first, least first,
        ascending, ascending order, low to high, lowest to highest, smallest to largest, smallest to biggest,
        shortest, shortest first, least to most, low, slowest, min, minimum""",
    "bought": "bought, purchased, buy, buying, ordered",
    "sell": "sell, sold, we sell, we sold, did we sell",
    "average": "average, avg, mean",
    "filler": """broken down, break down, split by, split up, brought in, in terms of, ordered by,
        acquired by, acquired through, acquired via, even though, good morning, good afternoon,
        good evening, good day, sit in, belong to, fall into, end up in, ended up in, we picked up, end up, ended up,
        look like, look for, stack up, overview of, summary of, ranking of, list of, by number of, in total""",
    # known, and not measured so: other words must not make a question of them
    "unknown": """repeat customer, repeat buyer, first time buyer, loyal customer, customer lifetime value,
        lifetime value, last, past, page load time, load time, market share, share of market, median, shipping country,
        shipping address, shipping method, shipping time, shipping cost, cost of shipping, tax rate, tax return,
        as of, business hour, office hour, working hour, this morning, this afternoon, this evening, refund amount,
        refund value, refund sum, refunded amount, amount refunded, amount of refund, phone number, in store,
        video view, phone order, shipped, household income""",
}
_VALUES = {  # of dimensions whose values are always the same
    ("new_or_returning", "returning"): "returning, returning one, returning session, are returning, were returning",
    ("new_or_returning", "new"): "new one, new session, new visit, are new, were new",
    ("weekend", "weekend"): "weekend",
    ("weekend", "Monday to Friday"): "midweek",
    ("order_number", "first"): "firstorder",
    ("order_number", "later"): "laterorder",
    **{("weekday", name.capitalize()): f"every{name}" for name in DAYS},
}
_HOME = ("home page", "homepage", "start page", "front page")
_MEDIA = {"organic": ("organic search",), "cpc": ("paid search",)}  # what people call them beside their source
_HOSTS = "www|m|l|lm|mobile|touch|web|amp"  # of one site, on phones or for its links
_COMMA = re.compile(r",\s")
_LONGEST = 7  # words of a phrase
_MANY_ITEMS = 3  # whose names have a word that is not their last: hero, of "Hero Tee White"
_OF_ITEMS = {"item", "item_category", "item_subcategory", "item_brand"}
_GOODS = {"product", "item", "article", "stuff", "thing", "merch", "merchandise", "gear", "good", "brand", "branded"}
_SHORT = 4  # letters of a word that may lack one
_MANY = _OF_ITEMS | {"page", "landing_page", "campaign", "theme", "source"}
_SHORTEST = 6  # letters of a word that may be misspelled: shorter ones are often other words


@dataclass(frozen=True)
class Value:
    """Values of a dimension that a phrase stands for: one, or all channels whose name has the word."""

    dimension: str
    values: tuple[str, ...]

    def of_table(self, name: str) -> Value:
        """Of categories the first levels, where those of orders are meant: views name them with all below."""
        first = tuple(value for value in self.values if "/" not in value)
        return replace(self, values=first) if self.dimension == "item_category" and name == "items" and first else self


@dataclass(frozen=True)
class Word:
    """A phrase of a question, and what it stands for.

    Attributes:
        kind: metric, by (a dimension), value, period, filler, or a kind of the grammar: compare, share, trend ...
        text: as it stands in the question.
        place: of its first word.
        name: of the metric or dimension; the number of the period; "part" of a word in the names of several channels,
            "head" of a word that is the last in the name of an item.
        values: what it may stand for, the preferred dimension first.
    """

    kind: str
    text: str
    place: int
    name: str = ""
    values: tuple[Value, ...] = ()

    def is_beside(self, other: Word) -> bool:
        """Whether one phrase follows the other at once."""
        first, second = sorted((self, other), key=lambda word: word.place)
        return first.place + len(first.text.split()) == second.place


@dataclass(frozen=True)
class _Meaning:
    kind: str
    name: str = ""
    values: tuple[Value, ...] = ()


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
        parts = {*found}
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
        self.titles = titles(contents.values.get("page", []))
        kinds = {key: {one.dimension for one in some} for key, some in found.items()}
        self.sections, self.clear = sections(contents.values, kinds, {*_fixed()})
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
        others = {*found, *topics.WORDS, *_fixed()}
        heads = {head for head in heads - others if len(head) > 2 and head.isalpha()}
        for head in heads:
            found[head] = [Value("item", tuple(self._of_items[head]))]
        self._inner = heads - ends  # of names, and never their last word: alone only in the plural, tees and not short
        of_data = {
            key: _Meaning(
                "value",
                "head" if key in heads else "part" if len(values) == 1 and key in parts else "",
                tuple(dict.fromkeys(values)),
            )
            for key, values in found.items()
        }
        self._values = of_data  # also where a word has another meaning of its own: articles are items, and pages
        fixed = _fixed()
        known = of_data | {key: fixed[key] for key in fixed if key not in of_data or fixed[key].kind != "change"}
        self._meanings = _same() | known
        self.known = self._meanings.keys()
        self._spelled = [
            key
            for key, one in known.items()
            if one.kind != "filler" and not key.startswith("/") and key not in self._inner
        ]
        self.speller = Speller(
            {word for key in fixed for word in key.split(" ")}
            | words_of_rules()
            | topics.WORDS
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
                if (
                    later < len(listed_to)
                    and self._known(listed_to, later)[1] > size
                    and (before := self._known(words[:later], place))[1]
                ):
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
        if words[place : place + 1] and words[place].isdecimal():  # "5 products" are so many, not "5-Panel Cap"
            return 0, ()
        for word in map(normal, words[place : place + _LONGEST]):
            some = {} if _fixed().get(word) else self._of_items.get(word, {})
            both = some if items is None else {one: None for one in items if one in some}
            if not both:
                break
            items, size = both, size + 1
        if not items:
            return 0, ()
        after = self._meanings.get(normal(words[place + size])) if len(words) > place + size else None
        named = self._meanings.get(normal(words[place])) if size == 1 else None
        is_of_items = bool(named and _OF_ITEMS & {one.dimension for one in named.values})
        if (
            size == 1
            and words[place] in topics.WORDS
            and after
            and after.values
            and after.values[0].dimension in _OF_ITEMS
        ):
            return 1, tuple(items)  # men's apparel
        if size < 2 and not is_of_items:
            goods = next((n for n, one in enumerate(words[place + 1 :]) if normal(one) not in _GOODS), len(words))
            goods = min(goods, len(words) - place - 1)
            pages = [one for one in words[place + 1 + goods :][:1] if one in ("page", "pages")]
            return (1 + goods, tuple(items)) if goods and not pages else (0, ())
        return (size, tuple(items)) if size > 1 else (0, ())

    def _misspelled(self, words: list[str], place: int) -> tuple[Word | None, int, str]:
        """A phrase whose words are those of one known phrase, but for a letter of a long word."""
        for size in range(min(3, len(words) - place), 0, -1):
            text, key = " ".join(words[place : place + size]), normal_of(words[place : place + size]).split(" ")
            if MARK in text or any(char.isdigit() for char in text):
                continue
            alike = (one for one in self._spelled if one[:1] == key[0][:1] and one.count(" ") == len(key) - 1)
            near = [known for known in alike if _is_misspelled(key, known.split(" "))]
            if not near and size == 1 and len(key[0]) >= _SHORT:
                near = [known for known in self._spelled if self._is_short_of(key[0], known)]
            if size == 1 and key[0] in english_words():
                continue
            if len(near) > 1:  # a letter is left out more often than typed twice: orderd is ordered, not order
                near = [known for known in near if len(known) > len(" ".join(key))]
            if len(near) == 1:
                return _word(self._meanings[near[0]], text, place), size, f"“{text}” was read as “{near[0]}”."
        return None, 1, ""

    def _is_short_of(self, word: str, known: str) -> bool:
        """Whether a short word lacks a letter of a known one, or has two in the other order; not of items."""
        if word[0] != known[0] or len(known) < len(word) or " " in known or len(known) <= _SHORT:
            return False
        if _MANY & {value.dimension for value in self._meanings[known].values}:
            return False
        from rapidfuzz.distance import OSA

        is_shorter = len(known) == len(word) + 1
        return (is_shorter or sorted(word) == sorted(known)) and OSA.distance(word, known, score_cutoff=1) == 1


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


def _word(meaning: _Meaning, text: str, place: int) -> Word | None:
    if meaning.kind == "unknown":
        return None
    return Word(meaning.kind, text, place, meaning.name, meaning.values)


@cache
def _fixed() -> dict[str, _Meaning]:
    """Phrases that do not depend on the data."""
    found = {as_key(word): _Meaning("filler") for word in FILLERS}
    for kind, phrases in _GRAMMAR.items():  # the first kind that has a phrase
        found = {as_key(phrase): _Meaning(kind) for phrase in phrases.split(",")} | found
    for (dimension, value), phrases in _VALUES.items():
        meaning = _Meaning("value", values=(Value(dimension, (value,)),))
        found |= {as_key(phrase): meaning for phrase in phrases.split(",")}
    for first, last in combinations_with_replacement(STEPS, 2):
        steps = tuple(f"{number} {label}" for number, (_, label) in STEPS.items() if first <= number <= last)
        found[steps_of(first, last) or "funnel"] = _Meaning("value", values=(Value("step", steps),))
    for first, last in combinations_with_replacement(range(24), 2):
        hours = tuple(map(str, range(first, last + 1)))
        found[hours_of(first, last)] = _Meaning("value", values=(Value("hour", hours),))
    for one in DIMENSIONS.values():
        found |= {as_key(phrase): _Meaning("by", one.name) for phrase in one.words}
    for metric in METRICS.values():
        found |= {as_key(phrase): _Meaning("metric", metric.name) for phrase in metric.words}
    return found


@cache
def _same() -> dict[str, _Meaning]:
    """Phrases that say the same as one of the measures' in other words; of several measures, as the first one's."""
    found: dict[str, _Meaning] = {}
    for metric in METRICS.values():
        for phrase in metric.words:
            for other in same_phrases(as_key(phrase)):
                found.setdefault(other, _Meaning("metric", metric.name))
    return found


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
        return [
            phrase
            for name in (value, *DIMENSIONS[dimension].values.get(value, ()))
            for phrase in (name, f"{name} page")
        ]
    if dimension in ("item_category", "item_subcategory", "theme"):  # tents: of Tents & Shelters
        return [value, *re.split(r"\s*[&,]\s*|\s+and\s+|_and_", value)]
    others = DIMENSIONS[dimension].values
    named = next((some for known, some in others.items() if known.lower() == value.lower()), ())
    # a domain without its ending: partner site, for partner-site.example
    domain = re.fullmatch(rf"(?:(?:{_HOSTS})\.)?([a-z0-9-]{{4,}})\.[a-z.]{{2,}}", value.lower())
    if (
        domain
        and value.count(".") > 1
        and domain[1] in english_words()
        and not re.match(rf"(?:{_HOSTS})\.", value.lower())
    ):
        domain = None  # keep.google.com is no "keep"
    people = [f"{value}n"] if dimension == "country" and value.endswith("a") else []  # Austrian
    if domain and domain[1] in english_words() and re.search(rf"{domain[1]}\.\w{{4,}}\.", value.lower()):
        domain = None  # a word that is a part of another site: keep.google.com
    return [value, *named, *people, *([domain[1]] if domain else [])]
