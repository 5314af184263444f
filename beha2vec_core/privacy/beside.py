"""What is next to a value of an address: the segments before one of a path, the other parameters of a query."""

from __future__ import annotations

from typing import NamedTuple

from beha2vec_core.privacy.decoding import decoded, encoded
from beha2vec_core.privacy.kinds import is_personal
from beha2vec_core.privacy.rules import kind_of_key, rules, words_of


class Before(NamedTuple):
    """The segments before one of a path."""

    last: str = ""  # the name of the last one
    role: str = ""  # the last name without digits: `users` before /users/42/jane-doe
    leads_to_token: bool = False  # whether any of them is before a one-time token
    of_person: bool = False  # whether any of them is before the page of a person, and seldom of a company

    def then(self, words: tuple[str, ...]) -> Before:
        """What the segments up to the next one are."""
        name = "".join(words)
        role = self.role if any(map(str.isdigit, name)) else name
        of_person = self.of_person or is_among(role, rules().profile_paths)
        return Before(name, role, self.leads_to_token or leads_to_token(words), of_person)


def is_among(role: str, paths: frozenset[str]) -> bool:
    """Whether a segment of a path is one of these, also in the plural: candidates."""
    return any(form in paths for form in (role, role.removesuffix("s"), role.removesuffix("en")))


def leads_to_token(words: tuple[str, ...]) -> bool:
    """Whether a segment of a path may be before a one-time token: `reset`, `activate-account`."""
    return "".join(words) in rules().token_paths or any(word in rules().token_paths for word in words)


# each alone may be a function or a link: both keys are a form's, also with one left empty
_BOTH_KEYS = {("fn",), ("ln",)}
# both keys may be pages or a range too: both values have to be names
_BOTH_NAMES = ({("first",), ("last",)}, {("given",), ("family",)})
# beside prenom or an e-mail address, nom is a person's family name, whatever it is; beside a house number, a street is
# an address
_FORMS = (
    (("name", "birth", "email", "phone"), ("maybe_name", "maybe_family_name")),
    (("address", "postcode"), ("address",)),
)


class _Pair(NamedTuple):
    text: str
    key: str
    value: str

    @property
    def last_word(self) -> tuple[str, ...]:
        return words_of(self.key)[-1:]


def without_names(pairs: list[str]) -> list[str]:
    """The parameters of a query without the names that only the other parameters show to be a person's."""
    found = []
    for pair in pairs:
        key, _, value = pair.partition("=")
        found.append(_Pair(pair, decoded(key.replace("+", " ")), decoded(value)))
    personal: set[int] = set()
    if {pair.last_word for pair in found} >= _BOTH_KEYS:
        personal.update(
            n for n, pair in enumerate(found) if pair.last_word in _BOTH_KEYS and any(map(str.isalpha, pair.value))
        )
    for both in _BOTH_NAMES:
        at = [n for n, pair in enumerate(found) if pair.last_word in both and is_personal("name", pair.value)]
        if {found[n].last_word for n in at} == both:
            personal.update(at)
    kinds = [kind_of_key(pair.key) for pair in found]
    for of_form, of_names in _FORMS:
        if any(kind in of_form and is_personal(kind, pair.value) for kind, pair in zip(kinds, found, strict=True)):
            personal |= {n for n, kind in enumerate(kinds) if kind in of_names and is_personal("name", found[n].value)}
    marker = encoded(rules().marker)
    return [f"{pair.text.partition('=')[0]}={marker}" if n in personal else pair.text for n, pair in enumerate(found)]
