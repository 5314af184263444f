"""Page types of one's own: a label is mapped to a kind of page that rules know, and rules then work under any name.

A label's *kind* (``like``) comes from the words of its name, else of its description, in eight languages
(``ontology.yml``), or from ``like:`` in the label file. Rules and the same words say which kind a page is; of several
labels of a kind, the words in the page's address decide, and whether it is a list or one of many.
"""

import re
from dataclasses import dataclass
from functools import cache

from beha2vec_core.pages.label_words import STOP_WORDS, LabelWords, alike, fold, own_version, telling_words
from beha2vec_core.pages.labels import Label, bundled_page_types
from beha2vec_core.pages.ontology import FUNCTIONAL, instead_of, kind_of, kinds_in

# what a sure bundled rule says of a page's place, from -1, one of many, to 1, a list
ROLES = {"article": -0.4, "product": -0.4, "article_list": 0.4, "category": 0.4}
# what may happen at any address
ANYWHERE = frozenset({"error", "confirmation"})
# raised when the code here gives the same page another answer
CODE_VERSION = 2
# from which confidence a bundled rule for what a page is about counts on a site with labels of its own
SURE_RULE = 0.75
# with less speaking for it, no label is given; with less than the second, a label is a guess
MIN_SCORE, PLACE_ONLY = 0.1, 0.4
_LIST_WORDS = re.compile(
    r"\b(lists?|listen?|\w*liste|listes|uebersicht|overview|hub|range|index|several|mehrere|calendar|kalender|"
    r"calendrier|categor\w+|kategorie\w*|rubrique|selections?|compares|tous|toutes|alle|all|elenco|listas?|overzicht|"
    r"lijst|indice|indeks|archiv\w*|catalog\w*|katalog\w*)\b"
)
_LIST_TITLE = re.compile(
    r"^(all|alle|tous|toutes|todos|todas|tutti|tutte|wszystkie|our|unsere|nos|compare)\b|\ba z$|"
    r"\b(page|seite|pagina|strona) \d+$|\b\d[\d .]* (offres|angebote|results|ergebnisse|resultats|treffer|ziele)\b"
)
_YEAR = re.compile(r"/(19|20)\d\d$")
_NUMBER = re.compile(r"(?<!seite[ /])(?<!page[ /])\d$")
DETAIL, LIST = "detail", "list"


@dataclass(frozen=True)
class Mapped:
    """A label of one's own and what it is taken for."""

    label: str
    like: str  # the kind of page, a key of ``ontology.yml``; empty: none was found
    role: str  # ``list`` or ``detail``, empty for kinds that every site has
    why: str  # where the kind comes from: ``like``, ``name``, ``description`` or ``nothing``


@dataclass(frozen=True)
class Verdict:
    """The type of a page: label (None: no label fits), confidence, runner-up, and what speaks for the label."""

    label: str | None
    confidence: float
    runner_up: str | None
    kind: str
    evidence: tuple[str, ...]


class OwnTypes:
    """Maps labels to kinds and judges pages by them.

    Args:
        labels: the page types of the label file.
    """

    def __init__(self, labels: tuple[Label, ...]) -> None:
        self.mapped = _mapping(labels)
        self.own_names = frozenset(label.name for label in labels) - bundled_page_types()
        self.version = f"{own_version(labels)}.{CODE_VERSION}"
        self._words = LabelWords({label.name: _label_words(label) for label in labels})
        self._about = _words_about(self.mapped, labels)
        self._labels_of = cache(self._likely_labels)
        self._pairs = _pairs(self.mapped, labels)

    def functional(self) -> frozenset[str]:
        """The labels of kinds that every site has, which say nothing about a theme; help may be about one."""
        return frozenset(mapped.label for mapped in self.mapped.values() if mapped.like in FUNCTIONAL - {"support"})

    def anywhere(self) -> frozenset[str]:
        """The labels of kinds that may happen at any address."""
        return frozenset(mapped.label for mapped in self.mapped.values() if mapped.like in ANYWHERE)

    def judge(self, page: dict[str, str], rule: tuple[str, float] | None) -> Verdict:
        """The type of one page.

        Args:
            page: ``segments``, ``title_parts``, ``shape``, as rules see them.
            rule: the label and confidence of the first bundled rule that matches.
        """
        kinds = self._kinds(page, rule)
        role = _role(page, rule)
        address = self._address(page)
        scores: dict[str, float] = {}
        evidence: dict[str, tuple[str, ...]] = {}
        for mapped in self.mapped.values():
            scores[mapped.label], evidence[mapped.label] = self._score(mapped, kinds, role, address)
        first, *others = sorted(scores, key=lambda name: -scores[name])
        second = others[0] if others and scores[others[0]] > 0 else None
        kind = next(iter(kinds), "")
        if scores[first] < MIN_SCORE:
            return Verdict(None, 0.0, first if scores[first] > 0 else None, kind, ())
        lead = scores[first] - (scores[second] if second else 0.0)
        # a label that only the place of the page speaks for is a guess
        confidence = (0.5 if scores[first] < PLACE_ONLY else 0.7) + 0.25 * min(lead, 1.0)
        return Verdict(first, round(confidence, 4), second, kind, evidence[first])

    def _score(
        self, mapped: Mapped, kinds: dict[str, tuple[float, str]], role: float, address: dict[str, tuple[str, float]]
    ) -> tuple[float, tuple[str, ...]]:
        """How much speaks for a label, and what."""
        score, why = 0.0, []
        kind = next((kind for kind in kinds if mapped.label in self._labels_of(kind)), None)
        if kind:
            sure, source = kinds[kind]
            score += (2.5 if kind in ANYWHERE else 1.2 if kind in FUNCTIONAL else 0.5) * sure
            why.append(f"{source} says {kind}")
        word, weight = address.get(mapped.label, ("", 0.0))
        if mapped.like in FUNCTIONAL:
            if not kind and weight < 0.6:
                return 0.0, ()
        else:
            fits = role if mapped.role == LIST else -role
            score += (0.5 if kind or weight else 0.25) * fits + (0.1 if mapped.like == "product" else 0.0)
            if fits > 0:
                why.append(f"its place is that of a {mapped.role}")
            if not kind and weight < 0.5 and any(other in FUNCTIONAL for other in kinds):
                score -= 1.0
        if weight:
            score += weight
            why.append(f"its address or title has {word!r}")
        return score, tuple(why)

    def _kinds(self, page: dict[str, str], rule: tuple[str, float] | None) -> dict[str, tuple[float, str]]:
        """Kinds of the page with confidence and source, the surest first."""
        found: dict[str, tuple[float, str]] = {}
        segments = [segment for segment in page["segments"].split("/") if segment]
        titles = [part for part in page["title_parts"].split("/") if part]
        if rule is not None and rule[1] >= SURE_RULE:
            found[kind_of(rule[0])] = (rule[1], "a rule")
        dated = "date" in page["shape"].split()
        for place, text in enumerate((*segments, *titles[:1])):
            tokens = [token for token in fold(text).split() if token not in STOP_WORDS]
            if not tokens or len(tokens) > 3:
                continue
            for kind in kinds_in([tokens[0], tokens[-1]]):
                alone = len(tokens) == 1
                functional = kind in FUNCTIONAL
                # home insurance, and what a bank's customers open
                if (kind == "home" and not alone) or (functional and self._names_its_subject(tokens)):
                    continue
                if (functional and dated) or (not functional and not (alone and place < len(segments))):
                    continue
                sure = 0.85 if alone else 0.7
                if sure > found.get(kind, (0.0, ""))[0]:
                    found[kind] = (sure, "its address" if place < len(segments) else "its title")
        return dict(sorted(found.items(), key=lambda item: -item[1][0]))

    def _names_its_subject(self, tokens: list[str]) -> bool:
        return any(alike(token, word) >= 0.9 for token in tokens for word in self._about)

    def _likely_labels(self, kind: str) -> frozenset[str]:
        """The labels of a kind, or of the first kind instead of it that has one."""
        for candidate in (kind, *instead_of(kind)):
            labels = frozenset(mapped.label for mapped in self.mapped.values() if mapped.like == candidate)
            if labels:
                return labels
        return frozenset()

    def _address(self, page: dict[str, str]) -> dict[str, tuple[str, float]]:
        """For each label whose words are in address or title: the word, and how much it counts."""
        segments = [segment for segment in page["segments"].split("/") if segment]
        texts = [
            (segment, 1.0 if place < len(segments) - 1 or place == 0 else 0.7) for place, segment in enumerate(segments)
        ]
        named = self._words.in_texts(texts + [(part, 0.4) for part in page["title_parts"].split("/") if part])
        # what names a page names the list of such pages too
        for name, other in self._pairs.items():
            if other in named and named[other][1] > named.get(name, ("", 0.0))[1]:
                named[name] = named[other]
        return named


def _pairs(mapped: dict[str, Mapped], labels: tuple[Label, ...]) -> dict[str, str]:
    """For a list the label of its pages, and the other way round: of one kind and sharing a word, or the only one."""
    pairs: dict[str, str] = {}
    names = {label.name: _own_words(label.name) for label in labels}
    for one in mapped.values():
        of_kind = [
            other.label for other in mapped.values() if other.role and other.role != one.role and other.like == one.like
        ]
        sharing = [
            other
            for other in of_kind
            if any(alike(a, b) or alike(b, a) for a in names[one.label] for b in names[other])
        ]
        if one.role and len(sharing or of_kind) == 1:
            pairs[one.label] = (sharing or of_kind)[0]
    return pairs


def _mapping(labels: tuple[Label, ...]) -> dict[str, Mapped]:
    found: dict[str, tuple[str, str]] = {}
    bundled = bundled_page_types()
    for label in labels:
        if label.like is not None:
            found[label.name] = (kind_of(label.like), "like")
        elif label.name in bundled:
            found[label.name] = (kind_of(label.name), "name")
        elif kinds := kinds_in(fold(label.name).split()):
            found[label.name] = (kinds[0], "name")
    taken = FUNCTIONAL.intersection(kind for kind, _ in found.values())
    mapped = {}
    for label in labels:
        if label.name not in found:
            # a kind that another label's name names is not what this one means
            kinds = [kind for word in fold(label.description).split() for kind in kinds_in([word]) if kind not in taken]
            found[label.name] = (kinds[0], "description") if kinds else ("", "nothing")
        like, why = found[label.name]
        listed = any(_LIST_WORDS.search(fold(text)) for text in (label.like or "", label.name, label.description))
        role = "" if like in FUNCTIONAL else LIST if "category" in (label.like, label.name) or listed else DETAIL
        mapped[label.name] = Mapped(label.name, like, role, why)
    return mapped


def _words_about(mapped: dict[str, Mapped], labels: tuple[Label, ...]) -> frozenset[str]:
    """Words for what the site is about that elsewhere name pages of every site, such as a bank's account."""
    about: set[str] = set()
    functional: set[str] = set()
    for label in labels:
        words = functional if mapped[label.name].like in FUNCTIONAL else about
        words.update(_own_words(" ".join((label.name, label.description, *label.words))))
    return frozenset(word for word in about - functional if FUNCTIONAL.intersection(kinds_in([word])))


def _label_words(label: Label) -> dict[str, float]:
    words = dict.fromkeys(_own_words(label.description), 0.5)
    words |= dict.fromkeys(_own_words(" ".join(label.words)), 1.0)
    name = _own_words(label.name)
    # beside a word such as `portal` another one only qualifies it
    functional = [word for word in name if FUNCTIONAL.intersection(kinds_in([word]))]
    return words | {word: 1.0 if word in (functional or name) else 0.3 for word in name}


def _own_words(text: str) -> list[str]:
    return [word for word in telling_words(text) if not _LIST_WORDS.fullmatch(word)]


def _role(page: dict[str, str], rule: tuple[str, float] | None) -> float:
    """From -1, one of many pages of a kind, to 1, a list of them."""
    shape = set(page["shape"].split())
    year = _YEAR.search(page["segments"]) is not None
    numbered = "id" in shape or ("ids" in shape and _NUMBER.search(page["segments"]) is not None)
    role = 0.0
    if "folder" in shape and (year or not numbered):
        role += 0.8
    elif year:
        role += 0.6
    elif numbered:
        role -= 0.8
    elif "ids" in shape:
        role += 0.4
    if "leaf" in shape and "siblings-many" in shape and not year and "depth-1" not in shape:
        role -= 0.3
    if "leaf" in shape and ("date" in shape or "slug-long" in shape) and not year:
        role -= 0.4
    if "depth-1" in shape:
        role += 0.3
    if rule is not None and rule[1] >= SURE_RULE and rule[0] in ROLES:
        role += ROLES[rule[0]]
    if any(_LIST_WORDS.fullmatch(fold(segment)) for segment in page["segments"].split("/")[1:-1]):
        role += 0.8
    if any(_LIST_TITLE.search(fold(part)) for part in page["title_parts"].split("/")):
        role += 0.5
    return max(-1.0, min(1.0, role))
