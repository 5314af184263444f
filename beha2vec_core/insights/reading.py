"""Prose taken apart for checking: what of it comes from the data, its sentences, and the parts of a sentence.

What comes from the data (placeholders, cited fact ids, titles and addresses of pages, names of clusters) is replaced by
one character each, from Unicode's private use area, which a cleaned answer cannot hold. What is left is the writer's
own: a digit or a number word in it is theirs, not the data's. Plain words for features ("phone", "support") stay, and
are marked where they stand.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from beha2vec_core.insights.placeholders import FORMS, PLACEHOLDER, shown, written
from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.vocabulary.features import aliases, family
from beha2vec_core.insights.wording import FULL_STOP

_FIRST_MARK = 0xE000
_LAST_MARK = 0xF8FF
_SIGNED = re.compile(rf"{PLACEHOLDER.pattern}(?P<sign>\s*(?:%|per ?cent\b))", re.IGNORECASE)
_QUOTED = re.compile(r"“([^“”]{1,200})”|\"([^\"]{1,200})\"|‘([^‘’]{1,200})’")
_CITED = re.compile(r"\[\s*(c-?\d+\.[^\[\]\s,;]{1,160}(?:[,;]\s*c-?\d+\.[^\[\]\s,;]{1,160})*)\s*\]")
_KEY = r"-?\d+(?![\d%]|[.,]\d|\s+%)"
_CLUSTERS = re.compile(
    rf"\b(?:(?:cluster|group)\s+#?{_KEY}|(?:clusters|groups)\s+{_KEY}(?:(?:,\s+(?:and\s+)?|\s+and\s+|\s+or\s+|\s*&\s*){_KEY})*)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(rf"{FULL_STOP}[\"”’)]*\s+(?=[^a-z\s])")
_SEPARATOR = re.compile(
    r"[,;:()–—]| - |\b(?:and|but|while|whereas|although|though|yet|plus|or|versus|vs|against|compared (?:to|with)|than|"
    r"up from|down from|rather than|instead of|as opposed to|unlike|beside|because|(?<!days )since|so that|given that|"
    r"which)\b",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(
    r"^(?:;|:|–|—| - |but|while|whereas|although|though|yet|because|since|so that)$", re.IGNORECASE
)

_ORDINARY = re.compile(r"[A-Za-z][A-Za-z _-]*")
_VERB = re.compile(r"accounts? for\b", re.IGNORECASE)
_SURE = {
    "device", "browser", "country", "item_viewed_share", "item_bought_share", "item category", "hours", "path",
}  # fmt: skip
_PAGES_AFTER = re.compile(r"(?: list| result)?[ -](?:pages?|content|section|articles?|theme|views)\b", re.IGNORECASE)
_ABOUT_BEFORE = re.compile(r"\babout $", re.IGNORECASE)


@dataclass(frozen=True)
class Mention:
    """Something of the data in prose."""

    text: str  # as written
    fact: Fact | None = None  # of a placeholder or a citation
    form: str = ""  # of a placeholder
    is_cited: bool = False
    features: frozenset[tuple[str, str]] = frozenset()  # (family, feature) that this may be a name of
    clusters: frozenset[int] = frozenset()
    is_restricting: bool = True  # surely a feature ("support pages"), not a word that may mean other things ("support")

    @property
    def is_number(self) -> bool:
        """Whether a number will stand here."""
        return self.fact is not None and not self.is_cited


@dataclass(frozen=True)
class Part:
    """A stretch of a sentence between commas, brackets and words such as "and" or "than"."""

    start: int
    end: int
    clause: int  # parts of one clause share it
    after: str  # the separator before it, in lower case
    is_bracketed: bool


@dataclass(frozen=True)
class Sentence:
    """One sentence, masked: ``mentions`` says what of the data stands where."""

    text: str
    mentions: Mapping[int, Mention]
    parts: list[Part] = field(init=False)

    def __post_init__(self) -> None:
        """Cut it into parts."""
        object.__setattr__(self, "parts", list(_parts(self.text)))

    @property
    def facts(self) -> list[Fact]:
        """The facts it stands on, in order."""
        return list(dict.fromkeys(m.fact for m in self.mentions.values() if m.fact is not None))

    def part_at(self, position: int) -> int:
        """Number of the part that holds a position."""
        return max((n for n, part in enumerate(self.parts) if part.start <= position), default=0)

    def inside(self, part: Part) -> list[tuple[int, Mention]]:
        """The mentions of a part, with their positions."""
        return [(at, mention) for at, mention in self.mentions.items() if part.start <= at < part.end]

    def written(self, part: Part) -> str:
        """The masked text of a part."""
        return self.text[part.start : part.end]

    def around(self, number: int) -> list[int]:
        """Numbers of the parts from part ``number`` outwards: before it in its clause, after it, then the others."""
        clause = self.parts[number].clause
        before, behind = list(range(number - 1, -1, -1)), list(range(number + 1, len(self.parts)))
        own = [n for n in before + behind if self.parts[n].clause == clause]
        return [number, *own, *(n for n in before + behind if self.parts[n].clause != clause)]

    @property
    def unmasked(self) -> str:
        """The sentence as it was written, without citations."""
        pieces = []
        for at, char in enumerate(self.text):
            mention = self.mentions.get(at)
            if mention is None or not _is_mark(char):
                pieces.append(char)
            elif mention.fact is not None and not mention.is_cited:
                pieces.append(written(mention.fact, mention.form))
            elif not mention.is_cited:
                pieces.append(mention.text)
        return re.sub(r"\s+([.,;:!?)])", r"\1", re.sub(r"\(\s*\)", "", " ".join("".join(pieces).split())))


class Reader:
    """Reads prose about the given facts and clusters."""

    def __init__(self, facts: Iterable[Fact], names: Mapping[int, str]) -> None:
        """Learn what facts, features, titles and clusters are called.

        Args:
            facts: all facts the writer was given.
            names: names of the clusters that prose may name, by number or by name.
        """
        self.facts = {fact.fact_id: fact for fact in facts}
        self.names = dict(names)
        self._quotable: dict[str, set[tuple[str, str]]] = {}
        spoken: dict[str, set[tuple[str, str]]] = {}
        for fact in self.facts.values():
            if fact.feature is None:
                continue
            what = (family(fact), fact.feature)
            title = fact.title or ""
            for text in (fact.feature, title, title.split(" | ")[0], *aliases(fact)):
                self._quotable.setdefault(_normal(text), set()).add(what)
            for alias in aliases(fact):
                for form in (alias, f"{alias}s", alias.removesuffix("s")):
                    if len(form) > 2:
                        spoken.setdefault(_normal(form), set()).add(what)
        # a word for several features of one kind ("google") names none of them
        self._spoken = {word: whats for word, whats in spoken.items() if len({kind for kind, _ in whats}) == len(whats)}
        self._spoken_names = {_normal(name): key for key, name in self.names.items()}
        self._words = _alternatives([*self._spoken, *self._spoken_names])
        ids = "|".join(re.escape(one) for one in sorted(self.facts, key=len, reverse=True))
        self._ids = re.compile(rf"(?<![\w{{])(?:{ids or '(?!)'})(?![\w.])")

    def read(self, prose: str) -> tuple[list[Sentence], list[str]]:
        """The sentences of prose, and what in it is not of the data although it looks as if."""
        found: list[Mention] = []
        wrong: list[str] = []

        def mark(mention: Mention) -> str:
            found.append(mention)
            return chr(min(_FIRST_MARK + len(found) - 1, _LAST_MARK))

        def placeholder(match: re.Match[str]) -> str:
            fact, form = self.facts.get(match.group(1)), match.group(2) or ""
            if fact is None:
                wrong.append(f"there is no fact {match.group(1)!r}")
            elif form not in FORMS or shown(fact, form) is None:
                wrong.append(
                    f"{match.group()} has no number: write {{id}}, {{id|all}}, or {{id|times}} where there is one"
                )
            return mark(Mention(match.group(), fact, form))

        def cited(match: re.Match[str]) -> str:
            marks = []
            for one in re.split(r"[,;]\s*", match.group(1)):
                if one not in self.facts:
                    wrong.append(f"there is no fact {one!r}")
                marks.append(mark(Mention(one, self.facts.get(one), is_cited=True)))
            return "".join(marks)

        def quoted(match: re.Match[str]) -> str:
            whats = self._quotable.get(_normal(next(filter(None, match.groups()))))
            return mark(Mention(match.group(), features=frozenset(whats))) if whats else match.group()

        def clusters(match: re.Match[str]) -> str:
            keys = [int(key) for key in re.findall(r"-?\d+", match.group())]
            if any(key not in self.names for key in keys):
                return match.group()
            return (
                mark(Mention(match.group(), clusters=frozenset(keys)))
                if len(keys) == 1
                else "".join(
                    mark(Mention(text, clusters=frozenset([key])))
                    for text, key in zip(_cut(match.group(), keys), keys, strict=True)
                )
            )

        def spoken(match: re.Match[str]) -> str:
            word = _normal(match.group())
            if (key := self._spoken_names.get(word)) is not None:
                return mark(Mention(match.group(), clusters=frozenset([key])))
            if _ORDINARY.fullmatch(match.group()) and not _SEPARATOR.search(match.group()):
                return match.group()  # an ordinary word: it stays, see `_named`
            return mark(Mention(match.group(), features=frozenset(self._spoken[word])))

        def share(match: re.Match[str]) -> str:
            fact = self.facts.get(match.group(1))
            return match.group(0).removesuffix(match.group("sign")) if fact and fact.unit == "share" else match.group()

        masked = _SIGNED.sub(share, " ".join(prose.split()))  # the number brings its percent sign along
        masked = PLACEHOLDER.sub(placeholder, masked)
        masked = _QUOTED.sub(quoted, masked)
        masked = _CITED.sub(cited, masked)
        masked = self._ids.sub(
            lambda match: mark(Mention(match.group(), self.facts[match.group()], is_cited=True)), masked
        )
        masked = self._words.sub(spoken, masked)
        masked = _CLUSTERS.sub(clusters, masked)
        masked = masked.replace("vs.", "vs")
        if len(found) > _LAST_MARK - _FIRST_MARK:
            return [], ["too long"]
        sentences = []
        for text in filter(None, map(str.strip, _SENTENCE_END.split(masked))):
            marks = {at: found[ord(char) - _FIRST_MARK] for at, char in enumerate(text) if _is_mark(char)}
            sentences.append(Sentence(text, dict(sorted((marks | self._named(text)).items()))))
        return sentences, wrong

    def _named(self, text: str) -> dict[int, Mention]:
        """Features that ordinary words name, by where the words begin."""
        return {
            match.start(): Mention(
                match.group(),
                features=frozenset(whats),
                is_restricting=any(kind in _SURE for kind, _ in whats)
                or bool(_PAGES_AFTER.match(text, match.end()) or _ABOUT_BEFORE.search(text, 0, match.start())),
            )
            for match in self._words.finditer(text)
            if (whats := self._spoken.get(_normal(match.group()))) and not _VERB.match(text, match.start())
        }


def _is_mark(char: str) -> bool:
    return _FIRST_MARK <= ord(char) <= _LAST_MARK


def _parts(text: str) -> Iterable[Part]:
    start, clause, depth, after = 0, 0, 0, ""
    for match in _SEPARATOR.finditer(text):
        yield Part(start, match.start(), clause, after, depth > 0)
        word = match.group().lower()
        depth += (word == "(") - (word == ")")
        # a bracket at the start of a clause belongs to what it follows
        clause += bool(_CLAUSE_END.match(match.group())) and depth == 0
        start, after = match.end(), word.strip()
    yield Part(start, len(text), clause, after, depth > 0)


def _cut(text: str, keys: list[int]) -> list[str]:
    """'clusters 1 and 4' in as many pieces as it names clusters, nothing lost."""
    ends = [match.end() for match in re.finditer(r"-?\d+", text)]
    starts = [0, *ends[:-1]]
    return [text[a:b] for a, b in zip(starts, [*ends[:-1], len(text)], strict=True)][: len(keys)]


def _normal(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text.lower()).strip()


def _alternatives(words: list[str]) -> re.Pattern[str]:
    """Any of the words, the longest first, however they are spaced or hyphenated."""
    ordered = sorted(filter(None, words), key=len, reverse=True)
    joined = "|".join(re.escape(word).replace(r"\ ", r"[\s_-]+") for word in ordered)
    return re.compile(rf"(?<![\w-])(?:{joined or '(?!)'})(?!\w)", re.IGNORECASE)
