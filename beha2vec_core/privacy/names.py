"""Names of people: in texts, as account names in paths and parameters, and in Chinese, Japanese and Korean."""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from beha2vec_core.privacy.likeness import likeness
from beha2vec_core.privacy.rules import fold, rules

_FOLDER = Path(__file__).parent
_SPELLINGS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe"})
# letters, and the vowel signs of Arabic, Hebrew and Indian scripts, which are no letters to `re`
_MARKS = "\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0962\u0963"
LETTER = rf"(?:[^\W\d_]|[{_MARKS}])"
NAME_WORD = rf"[^\W\d_][\w{_MARKS}'’.-]{{0,40}}"
_GREEK = re.compile(r"[\u0370-\u03ff]{3}")
_INFLECTED = re.compile(r"[\u0370-\u03ff]{3}|[\u0400-\u04ff]{3,}[аяыиую]$")
_LATIN = re.compile(r"[a-z]+")
# two consonants that no word begins with, as in jdoe
_NO_ONSET = re.compile(
    r"(?!bl|br|ch|cl|cr|cz|dr|fl|fr|gl|gn|gr|kl|kn|kr|ph|pl|pr|ps|rh|sc|sh|sk|sl|sm|sn|sp|sq|st|sv|sw|sz|th|tr"
    r"|ts|tw|vl|vr|wh|wr|zw)[bcdfghj-np-tv-xz]{2}"
)
_ACCOUNT = re.compile(rf"(?P<name>{LETTER}(?:{LETTER}|['’._+\s-])*?)[._-]?\d{{0,4}}")

_HANDLE = re.compile(rf"{LETTER}{LETTER}+(?:[._]?(?:{LETTER}+|\d+))+")
_DOTTED = re.compile(rf"(?<![\w.@/-])(?P<name>{LETTER}+\.{LETTER}+)\.?\d{{2,4}}(?![\w@/-])")

# log odds as `likeness` gives them
_LIKE_A_FAMILY_NAME = 3.0  # family_names.txt leaves out names with as much
_KNOWN = 4.0  # a first name of the list, and the most that letters say
_NO_NAME = -2.5  # no part of a name


def _listed(file: str) -> list[str]:
    lines = (_FOLDER / file).read_text(encoding="utf-8").splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


@cache
def first_names() -> frozenset[str]:
    """Known first names, folded."""
    return frozenset(map(fold, _listed("first_names.txt")))


@cache
def family_names() -> frozenset[str]:
    """Known family names in Latin letters, folded."""
    return frozenset(_listed("family_names.txt"))


@cache
def names_that_are_words() -> frozenset[str]:
    """Known names that are also everyday words, folded."""
    return frozenset(_listed("names_that_are_words.txt"))


@cache
def ordinary_words() -> frozenset[str]:
    """Frequent words that look like names, folded."""
    return frozenset(_listed("ordinary_words.txt"))


class EastAsianNames(NamedTuple):
    """Chinese, Korean and Japanese names."""

    family: str  # what names begin with, as a pattern
    given: frozenset[str]  # known given names
    syllables: tuple[frozenset[str], frozenset[str]]  # what given names begin with, and what they end with
    japanese: tuple[str, ...]  # Japanese family names
    japanese_given: frozenset[str]  # what Japanese given names end with


@cache
def east_asian_names() -> EastAsianNames:
    """The names of east_asian_names.txt."""
    text = " ".join(_listed("east_asian_names.txt"))
    _, family, given, japanese, endings = re.split(r"family:|given:|japanese:|endings:", text)
    known = frozenset(given.split())
    return EastAsianNames(
        family="|".join(sorted(family.split(), key=lambda name: (-len(name), name))),
        given=known,
        syllables=(frozenset(name[0] for name in known), frozenset(name[-1] for name in known)),
        japanese=tuple(japanese.split()),
        japanese_given=frozenset(endings.split()),
    )


def is_first_name(word: str) -> bool:
    """Whether a word is a known first name (or a Japanese name that begins with a known one)."""
    folded = fold(word)
    if folded in words_of_titles():
        return False
    if folded in first_names() or (_INFLECTED.match(folded) and not first_names().isdisjoint(_nominatives(folded))):
        return True
    return not word.isascii() and any(folded.startswith(name) and len(name) > 1 for name in _japanese_names())


def _nominatives(word: str) -> tuple[str, ...]:
    """What a Greek or Slavic name may be in the nominative: Δημήτρης of Δημήτρη, Ольга of Ольги, Иван of Ивана."""
    stem = word[:-1]
    if _GREEK.match(word):
        return f"{word}σ", f"{stem}οσ", stem
    return stem, f"{stem}а", f"{stem}я", f"{stem}и"


@cache
def words_of_titles() -> frozenset[str]:
    """Greetings, roles and the like, some of which are first names elsewhere: Ola."""
    known = rules()
    return frozenset(
        fold(word)
        for word in known.strong_greetings
        + known.weak_greetings
        + known.accounts
        + known.holdings
        + known.of_words
        + known.labels["person"]
        + known.labels["account"]
    )


@cache
def _japanese_names() -> tuple[str, ...]:
    return tuple(name for name in first_names() if "\u3040" <= name[0] <= "\u9fff")


def is_family_name(word: str) -> bool:
    """Whether a folded word in Latin letters is a known family name, or looks like a name and is no ordinary word."""
    return word in family_names() or (len(word) > 3 and likeness(word) >= _LIKE_A_FAMILY_NAME and not _is_word(word))


def _is_word(folded: str) -> bool:
    """Whether a word is an ordinary one, or one of forms and greetings."""
    return folded in ordinary_words() or folded in words_of_titles() or folded in rules().phrases


def looks_like_person(text: str) -> bool:
    """Whether the text as a whole may be a person's name: one to four words, a known first name among them."""
    words = [word for word in re.split(r"[\s._,+-]+", text.strip()) if word]
    if not 1 <= len(words) <= 4 or not all(re.fullmatch(rf"{LETTER}(?:{LETTER}|['’])*", word) for word in words):
        return False
    if any(fold(word) in words_of_titles() for word in words):
        return False
    if len(words) > 1 and any(_is_no_name(word, len(words)) for word in words):
        return False  # Victoria Sponge Tin
    return any(is_first_name(word) for word in words) or is_east_asian_name(text.strip())


def _is_no_name(word: str, of: int) -> bool:
    """Whether a word is no part of a name of so many words; of two it may be one that no list has: Maria Colombo."""
    folded = fold(word)
    if folded in names_that_are_words() or (of == 2 and folded in ordinary_words()):
        return False
    return _evidence(word) == -_KNOWN


def looks_like_full_name(text: str, of_role: bool = False) -> bool:
    """Whether a text consists of a first and a family name: Thamires Brandão, Sjoerd van der Velde, anna kowalska.

    With ``of_role``, as a patient has, one known name is enough, if all words but particles have capitals.
    """
    words = [word for word in re.split(r"[\s._,+]+", text.strip()) if word]
    if not 2 <= len(words) <= 5 or not all(re.fullmatch(rf"{LETTER}(?:{LETTER}|['’-])*", word) for word in words):
        return False
    particles = rules().particles
    folded = [fold(word) for word in words]
    if any((word in words_of_titles() or word in rules().phrases) and word not in particles for word in folded):
        return False
    if of_role and (is_first_name(words[0]) or is_family_name(folded[-1]) or _likely(words[0], words[-1], least=1)):
        return all(word[0].isupper() or folded[at] in particles for at, word in enumerate(words))
    return is_pair(words[0], words[-1])


def is_pair(first: str, family: str) -> bool:
    """Whether two words are a known first and a known family name, and not two words such as jet black.

    Many family names are first names as well.
    """
    folded = fold(family)
    if not (is_first_name(first) and (is_family_name(folded) or is_first_name(family))):
        return False
    return not {fold(first), folded} <= names_that_are_words()


def is_likely_pair(one: str, other: str) -> bool:
    """Whether two words are a known first and family name, or look like them and are no other words."""
    return (is_pair(one, other) and not is_famous(f"{one} {other}")) or _likely(one, other, least=3.5)


def may_be_pair(one: str, other: str) -> bool:
    """Whether nothing speaks against two words being a first and a family name."""
    return min(_evidence(one), _evidence(other)) > -_KNOWN and not is_famous(f"{one} {other}")


def _likely(one: str, other: str, least: float) -> bool:
    """Whether two words are more like a name than ``least``, and neither is like another word."""
    found = [_evidence(word) for word in (one, other)]
    return min(found) > _NO_NAME and sum(found) > least and not is_famous(f"{one} {other}")


@lru_cache(50_000)
def _evidence(word: str) -> float:
    """How much a word speaks for a name: by the lists, and by its letters."""
    folded = fold(word)
    if _is_word(folded) or folded in names_that_are_words():
        return -_KNOWN
    if is_first_name(word):
        return _KNOWN
    if is_family_name(folded):
        return _KNOWN / 2
    return max(-_KNOWN, min(_KNOWN, likeness(folded)))


def begins_with_full_name(text: str) -> bool:
    """Whether an address's segment begins with a first and a family name, in either order: jane-doe-runs-for-hope."""
    words = [word for word in re.split(r"[\s._+-]+", text) if word]
    if len(words) < 2 or is_famous(" ".join(words[:2])):
        return False
    return any(is_pair(one, other) and not is_first_name(other) for one, other in (words[:2], words[1::-1]))


def may_be_full_name(text: str) -> bool:
    """Whether an address's segment is a first name and another word, of which nothing is known: gulsah-erdogmus."""
    words = re.split(r"[._+-]", text)
    if len(words) != 2 or min(map(len, words)) < 4 or not all(re.fullmatch(rf"{LETTER}+", word) for word in words):
        return False
    known = rules().phrases.keys() | names_that_are_words() | words_of_titles()
    if is_first_name(words[0]) and known.isdisjoint(map(fold, words)) and not is_famous(text):
        return True
    return _likely(words[0], words[1], least=2)


def is_famous(text: str) -> bool:
    """Whether a first and a family name mean a brand, a work or a star: Tom Ford, Harry Potter."""
    return " ".join(re.split(r"[\s._,+-]+", fold(text.strip()))) in rules().famous


def looks_like_family(text: str) -> bool:
    """Whether the text as a whole may be a family name, with its particles and initials: Jansen, de Vries, J. Dupont.

    It has a capital: in small letters many family names are words, such as blanc.
    """
    words = [word for word in re.split(r"[\s.,+]+", fold(text.strip())) if word]
    if not 1 <= len(words) <= 4 or text.islower():
        return False
    if words[-1] in words_of_titles() or words[-1] not in family_names():
        return False
    return all(len(word) == 1 or word in rules().particles for word in words[:-1])


def dotted_names(text: str) -> Iterator[tuple[int, int]]:
    """Where names of accounts such as ``anna.schmidt.1987`` stand: a first and a family name, dots, a number."""
    for match in _DOTTED.finditer(text):
        if looks_like_full_name(match["name"]) and not is_famous(match["name"]):
            yield match.span()


@lru_cache(100_000)
def looks_like_account_name(text: str) -> bool:
    """Whether a value may be the name that a person chose for an account.

    ``jane_doe``, ``j.doe`` and ``janedoe84`` may be. Catalogues join the words of brands and titles by hyphens, so
    ``jane-doe`` is one only because ``doe`` is a family name; ``mary-kay``, two first names, is none.
    """
    stem, dot, ending = text.rpartition(".")
    if dot and ending.lower() in rules().file_endings:
        text = stem
    match = _ACCOUNT.fullmatch(text)
    if match is None:
        return False
    name = match["name"]
    words = [word for word in re.split(r"[\s._+-]+", fold(name)) if word]
    if len(words) == 1:
        with_number = text[-1].isdigit()
        return _is_one_word(fold(name.translate(_SPELLINGS)), with_number) or is_east_asian_name(name)
    if any(word in words_of_titles() for word in words):
        return False
    begins = is_first_name(words[0]) or len(words[0]) == 1
    if begins and is_family_name(words[-1]) and not is_first_name(words[-1]) and len(words) <= 4:
        return not is_famous(name)
    return "-" not in name and looks_like_person(name)


def looks_like_handle(text: str) -> bool:
    """Whether a value is joined as only names of accounts are: kasia_1989, mnowak_krk, throwaway_mtl514.

    One of its words is a name, or an initial and a family name, or two words end in a number and are not both ordinary.
    """
    if _HANDLE.fullmatch(text) is None or text.isalpha() or text.rpartition(".")[2].lower() in rules().file_endings:
        return False
    words = [fold(word) for word in re.findall(rf"{LETTER}{{3,}}", text)]
    usual = names_that_are_words() | rules().thing_words
    unusual = [word for word in words if not _is_word(word) and word not in usual]
    numbered = re.search(rf"{LETTER}\d\d+\Z", text) is not None
    return any(
        (numbered and len(words) > 1)
        or is_first_name(word)
        or ((numbered or _NO_ONSET.match(word)) and is_family_name(word[1:]))
        for word in unusual
    )


def _is_one_word(word: str, with_number: bool) -> bool:
    """A first and a family name written as one word, or an initial and a family name."""
    if not _LATIN.fullmatch(word):
        return False
    for at in range(3, len(word) - 2):
        for first, family in ((word[:at], word[at:]), (word[at:], word[:at])):
            enough = len(first) > 3 or len(family) > 4  # diamond is no Dia Mond
            if enough and first in first_names() and _is_family_part(family):
                return True
    family = word[1:]
    return _is_family_part(family) and (bool(_NO_ONSET.match(word)) or (with_number and len(family) > 4))


def _is_family_part(word: str) -> bool:
    """Whether a part of a word is a family name; its letters have to say more, as a word may be cut anywhere."""
    return word in family_names() or (len(word) > 4 and likeness(word) >= 2 * _LIKE_A_FAMILY_NAME)


@cache
def _east_asian() -> re.Pattern[str]:
    return re.compile(rf"(?:{east_asian_names().family})(?P<given>[\u4e00-\u9fff]{{1,2}}|[가-힣]{{2}})")


def is_east_asian_name(text: str, given_is_known: bool = True) -> bool:
    """Whether a text is a Chinese or Korean family name with a given name.

    Args:
        given_is_known: whether the given name has to consist of what given names consist of.
    """
    match = _east_asian().fullmatch(text)
    if match is None or text in words_of_titles():
        return False
    given, (first, last) = match["given"], east_asian_names().syllables
    return not given_is_known or given in east_asian_names().given or (given[0] in first and given[-1] in last)
