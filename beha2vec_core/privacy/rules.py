"""The rule list of rules.yml, read once, and what it says of a parameter's key."""

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator

_FOLDER = Path(__file__).parent
_NOT_DECOMPOSED = str.maketrans({"ł": "l", "ı": "i", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ة": "ه", "ى": "ي"})
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_WORD = re.compile(r"[\W_]+")

_UMLAUT = re.compile(r"([aou])e", re.IGNORECASE)

# what a key may be besides the kinds of `parameters` in rules.yml
CLICK_ID = "click_id"
KEPT = "kept"


def fold(text: str) -> str:
    """Small letters without accents, so that spellings of a word are the same."""
    text = text.casefold()
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKD", text).translate(_NOT_DECOMPOSED)
    return unicodedata.normalize("NFC", "".join(c for c in text if not unicodedata.combining(c)))


def words_of(key: str) -> tuple[str, ...]:
    """The words of a parameter's key.

    >>> words_of("billing[firstName2]")
    ('billing', 'first', 'name')
    """
    words = (word.rstrip("0123456789") or word for word in _NO_WORD.split(fold(_CAMEL.sub(" ", key))))
    found = tuple(word for word in words if word)
    return tuple(word for word in found if not word.isdigit()) or found[:1]


def _compact(key: str) -> str:
    """A key as one word with its digits: sig2 is Google's, sig is a secret."""
    return _NO_WORD.sub("", fold(key))


def _joined(phrase: str) -> str:
    return "".join(words_of(phrase))


def _joined_all(phrases: list[str]) -> frozenset[str]:
    return frozenset(_joined(phrase) for phrase in phrases)


def _joined_by_kind(listed: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(_joined(ending), kind) for kind, endings in listed.items() for ending in endings]


Texts = tuple[str, ...]
Joined = Annotated[frozenset[str], BeforeValidator(_joined_all)]


class Rules(BaseModel, frozen=True):
    """The rule list, folded for comparison. Phrases of several words are joined without spaces where they are sets."""

    version: int
    marker: str
    placeholder_ids: frozenset[str]
    phrases: dict[str, str]  # joined phrase -> kind
    labels: dict[str, Texts]  # kind -> phrases as written
    endings: Annotated[tuple[tuple[str, str], ...], BeforeValidator(_joined_by_kind)]
    stems: Annotated[tuple[tuple[str, str], ...], BeforeValidator(_joined_by_kind)]
    date_words: Joined
    phone_regions: Texts
    person_words: Joined
    form_words: Joined
    small_words: frozenset[str]
    field_words: Joined
    thing_words: Joined
    suffixes: Joined
    click_ids: Annotated[frozenset[str], BeforeValidator(lambda names: frozenset(map(_compact, names)))]
    kept: Joined
    id_words: Joined
    strong_greetings: Texts
    weak_greetings: Texts
    greeting_brands: frozenset[str]
    second_person: Texts
    accounts: Texts
    holdings: Texts
    of_words: Texts
    by_words: Texts
    papers: Texts
    reviews: Texts
    calls: Texts
    leads: Texts
    famous: frozenset[str]
    obituaries: Texts
    deliveries: Texts
    forms_of_address: Joined
    possessives: Texts
    honorifics: Texts
    particles: frozenset[str]
    person_paths: Joined
    account_paths: Joined
    paper_paths: Joined
    profile_paths: frozenset[str]
    token_paths: Joined
    thing_paths: Joined
    file_endings: frozenset[str]
    columns: dict[str, Texts]


@cache
def rules() -> Rules:
    """The rule list."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast: each process reads them
    raw: dict[str, Any] = yaml.load((_FOLDER / "rules.yml").read_text(encoding="utf-8"), loader)
    phrases: dict[str, str] = {}
    small_words = frozenset(("des", "lui", *raw["particles"], *raw["of_words"]))
    labels: dict[str, Texts] = {}
    for kind, languages in raw["parameters"].items():
        listed = [phrase for names in languages.values() for phrase in names]
        labels[kind] = tuple(dict.fromkeys(listed))
        for phrase in listed:
            phrases.setdefault("".join(_without_small(words_of(phrase), small_words)), kind)
    account_paths = [*raw["account_paths"], *labels["account"]]
    person_paths = [*raw["papers"], *account_paths, *raw["person_paths"], *labels["person"]]
    made = {
        "phrases": phrases,
        "labels": labels,
        "small_words": small_words,
        "thing_words": [*raw["thing_words"], *raw["kept"], *raw["field_words"]],
        "strong_greetings": raw["greetings"]["strong"],
        "weak_greetings": raw["greetings"]["weak"],
        "person_paths": person_paths,
        "account_paths": account_paths,
        "paper_paths": raw["papers"],
        "profile_paths": _joined_all(person_paths) - _joined_all(raw["customer_paths"]),
    }
    return Rules.model_validate(raw | made)


@lru_cache(100_000)
def kind_of_key(key: str) -> str | None:
    """What a parameter of this key holds: a kind of rules.yml, `CLICK_ID`, `KEPT`, or None where nothing is known.

    A listed name counts at the end of a key (``billing_first_name``), or at its beginning if only words for people and
    their places follow (``nome_cliente``): so ``email_campaign`` and ``phone_model`` are no listed names.
    """
    known = rules()
    words = words_of(key)
    if not words:
        return None
    whole = "".join(words)
    if whole in known.click_ids or _compact(key) in known.click_ids:
        return CLICK_ID
    if whole in known.kept:
        return KEPT
    words = _without_small(words, known.small_words)
    bare = tuple(part for word in words for part in _parts_of_compound(word, known))
    while len(bare) > 1 and bare[-1] in known.suffixes:
        bare = bare[:-1]
    for start in range(len(bare)):
        for end in range(len(bare), start, -1):
            phrase = "".join(bare[start:end])
            kind = known.phrases.get(phrase)
            if kind and (found := _among(kind, phrase, bare[:start], bare[end:], known)):
                return found
    for ending, kind in known.endings:
        if bare[-1].endswith(ending):
            return kind
    for stem, kind in known.stems:
        others = [word for word in bare if not word.startswith(stem)]
        if len(others) < len(bare) and all(_is_of_people(word, known) or word in known.date_words for word in others):
            return kind
    if words[-1] in known.id_words:
        return KEPT
    plain = _UMLAUT.sub(r"\1", key)  # empfaenger, as German writes empfänger without umlauts
    return kind_of_key(plain) if plain != key else None


def _without_small(words: tuple[str, ...], small_words: frozenset[str]) -> tuple[str, ...]:
    """The words of a key without prepositions and articles between them: nom_famille is nom_de_famille."""
    return (*words[:1], *(word for word in words[1:-1] if word not in small_words), *words[1:][-1:])


def _is_person(word: str, known: Rules) -> bool:
    """Whether a word of a key is one for a person; other cases of it have other endings: pacjenta, passazhira."""
    forms = (word[: len(word) - cut] for cut in range(4 if len(word) > 7 else 2))
    return any(form in known.person_words or known.phrases.get(form) in ("person", "account") for form in forms)


def _is_of_people(word: str, known: Rules) -> bool:
    return word in known.form_words or _is_person(word, known)


_ORDER = ("first", "last", "given", "family")


def _among(kind: str, phrase: str, before: tuple[str, ...], after: tuple[str, ...], known: Rules) -> str | None:
    """The kind of a listed name among other words of a key; None where they make it something else."""
    if not before and not after:
        return kind
    others = (*before, *after)
    people = all(_is_of_people(word, known) for word in others)
    if kind == "maybe_full_name":
        return kind if people else None
    if kind in ("maybe_name", "maybe_family_name"):
        of_person = any(_is_person(word, known) for word in others)
        if people:
            return "name" if of_person else kind
        # nome_encarregado, but not first_visit and not event_name
        is_name = phrase not in _ORDER and known.thing_words.isdisjoint(others)
        return "maybe_full_name" if is_name else None
    if kind in ("maybe_secret", "maybe_password", "session", "maybe_postcode"):
        return kind if people and not after else None
    # of a long name it is clear what it means before other words too: imie_kierowcy, but not mei_actie
    clear = len(phrase) > 3 and kind in ("name", "national_id") and not any(word in known.field_words for word in after)
    return kind if people or not after or clear else None


def _parts_of_compound(word: str, known: Rules) -> tuple[str, ...]:
    """A word that begins with one for a person and goes on with a listed name as two: ``kundenname``, ``workphone``.

    So is one of two names of the same: ``ceptel``.
    """
    if word in known.phrases:
        return (word,)
    for at in range(3, len(word) - 2):
        if (kind := known.phrases.get(word[:at])) and kind == known.phrases.get(word[at:]) != "maybe_secret":
            return (word[at:],)
    for at in range(4, len(word) - 3):
        if word[at:] in known.phrases and _is_person(word[:at], known):
            return word[:at], word[at:]
    return (word,)
