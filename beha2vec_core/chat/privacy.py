"""What leaves this machine: no user key, no id, nothing personal that the rule list finds, no query string."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from beha2vec_core.chat.published import Published
from beha2vec_core.privacy.clean import MARKER
from beha2vec_core.privacy.clean import clean_text as without_personal_data
from beha2vec_core.privacy.names import looks_like_account_name
from beha2vec_core.profiles.text import clean_text

_WORD = re.compile(r"[\w.@+-]{1,128}")
# a short word such as "4", or one without digits, is a user's id only where it stands behind such a word
_SURE_LENGTH = 6
_SAYS_USER = re.compile(r"\b(?:user|users|person|people|visitor|customer|client|id|key|member)\W{0,3}$", re.IGNORECASE)
# what may follow such a word and is no login id: 28, 2026-04-01, 25-34
_NUMBER = re.compile(r"\d{1,4}(?:[-.,]\d{1,4}){0,2}%?")
_DAY = re.compile(r"(?<!\d)20\d\d(?:0\d|1[0-2])(?:[0-3]\d)?(?!\d)")
# a word of its own that is no part of an address: letters and five digits in a row, or digits at its end
_LETTERS_AND_DIGITS = re.compile(r"(?<![\w/.?=&-])(?!cluster\d)(?=[\w-]*[^\W\d_])[\w-]*(?:\d{5,}[\w-]*|\d)(?![\w/.-])")
_NAMED = re.compile(
    r"\b(?:user|person|visitor|customer|client|member|login|account)"
    r"(?:[ _-]?(?:id|key|name|number))?(?:\s+is)?\W{1,3}(?P<id>[\w.@+-]{4,128})",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(rf"{re.escape(MARKER)}|\[id\]|\[e-mail\]")
_ALIAS = re.compile(r"\buser_(\d+)\b")
_ID = re.compile(
    # hashes, UUIDs, GA4 devices
    r"\b(?:[0-9a-f]{24,}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\d{6,12}\.\d{9,12})\b"
    r"|\bGA1\.\d\.[\d.]+",
    re.IGNORECASE,
)
_QUERY = re.compile(r"(?<=[\w/])\?[^\s\"'<>)\]]*=[^\s\"'<>)\]]*")


def outgoing(text: str, *, limit: int = 4000) -> str:
    """Text as it may be sent: e-mail addresses, query strings and what looks like an id taken out."""
    lines = []
    for line in text[: 4 * limit].splitlines():
        # a question mark before a space ends a question; any other begins a query string
        parts = re.split(r"\?(?=\s|$)", _QUERY.sub("", line))
        lines.append("? ".join(clean_text(part, limit=limit) for part in parts).strip())
    return _ID.sub("[id]", "\n".join(lines).strip())[:limit]


class Aliases:
    """``user_1`` for the first user who is mentioned, and so on; the same for the whole conversation.

    Args:
        path: where users are looked up: the published database.
        named: False for programs that ask with no person beside them: every user is ``[user]``, and their texts are not
            compared with users' ids, as the answer would show which of them exist.
    """

    def __init__(self, path: Path, *, named: bool = True) -> None:
        """Look up nothing yet."""
        self._data = Published(path)
        self._named = named
        self._by_key: dict[str, str] = {}
        self._by_alias: dict[str, str] = {}

    def of(self, user_key: str) -> str:
        """The alias of a user."""
        if not self._named:
            return "[user]"
        if user_key not in self._by_key:
            alias = f"user_{len(self._by_key) + 1}"
            self._by_key[user_key], self._by_alias[alias] = alias, user_key
        return self._by_key[user_key]

    def mentioned(self, alias: str) -> str | None:
        """The user_key of an alias; None if there is none."""
        return self._by_alias.get(alias.strip())

    def key(self, name: str) -> str | None:
        """The user_key of an alias, a user key, a device id or a login id; None if there is none."""
        name = name.strip()
        if name in self._by_alias:
            return self._by_alias[name]
        return next(iter(self._lookup([name]).values()), None)

    def hide(self, text: str) -> str:
        """A text of the asker's, ready to send: users of the database as aliases, without what else is personal.

        Published login ids may be keyed, so what looks like one and is none of the database becomes ``[id]``.
        """
        text = self._replace(text, self._lookup(_candidates(text)) if self._named else {})
        text = _NAMED.sub(_without_id, without_personal_data(text))
        return outgoing(_LETTERS_AND_DIGITS.sub(lambda word: "[id]" if _is_login(word[0]) else word[0], text))

    def hide_all(self, data: Any, *, limit: int = 1500, computed: bool = False) -> Any:
        """The same for every text of a JSON document.

        ``computed``: by a statement of the asker's, which may have written any text of it. No ids are looked up then,
        as an alias in place of a guessed id would show that the id exists.
        """
        words = {word for text in _texts(data) for word in _candidates(text)}
        found = {} if computed else self._lookup(words)

        def hidden(value: Any) -> Any:
            if isinstance(value, str):
                return outgoing(self._replace(value, found), limit=limit)
            if isinstance(value, dict):
                return {hidden(str(key)): hidden(item) for key, item in value.items()}
            if isinstance(value, list | tuple):
                return [hidden(item) for item in value]
            return None if isinstance(value, float) and not math.isfinite(value) else value  # JSON has no NaN

        return hidden(data)

    def show(self, text: str) -> str:
        """The text with aliases as user keys, for the person."""
        return _ALIAS.sub(lambda match: self._by_alias.get(match.group(), match.group()), text)

    def _replace(self, text: str, found: dict[str, str]) -> str:
        for word in sorted(found, key=lambda word: text.lower().find(word.lower())):
            if word.lower() in text.lower():
                self.of(found[word])  # numbered as they are mentioned
        for word, user_key in sorted(found.items(), key=lambda item: -len(item[0])):
            if word.lower() in text.lower():
                alias = self.of(user_key)
                text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", alias, text, flags=re.IGNORECASE)
        return text

    def _lookup(self, words: Iterable[str]) -> dict[str, str]:
        return self._data.identities([word.lower() for word in words])


def is_replaced(typed: str, sent: str) -> bool:
    """Whether a text was sent with placeholders in place of what is personal."""
    return len(_PLACEHOLDER.findall(sent)) > len(_PLACEHOLDER.findall(typed))


def _without_id(named: re.Match[str]) -> str:
    """A mention of a user without the id or account name that follows."""
    word = named["id"].strip(".-+")
    is_id = re.search(r"\d", word) and not _NUMBER.fullmatch(word) and not _ALIAS.fullmatch(word)
    if not is_id and not looks_like_account_name(word):
        return named[0]
    return named[0].replace(word, "[id]")


def _is_login(word: str) -> bool:
    if _ALIAS.fullmatch(word) or _DAY.search(word):
        return False
    return re.search(r"\d{5}", word) is not None or looks_like_account_name(word)


def _candidates(text: str) -> set[str]:
    """Words that may be a user's id. Any user can send "purchase" as their id to GA4, so words need a digit or an @."""
    words = {
        match.group()
        for match in _WORD.finditer(text)
        if (len(match.group()) >= _SURE_LENGTH and re.search(r"[\d@]", match.group()))
        or _SAYS_USER.search(text[max(0, match.start() - 30) : match.start()])
    }
    return {form for word in words for form in (word, word.strip(".-+@")) if form and not _ALIAS.fullmatch(form)}


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield str(key)
            yield from _texts(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _texts(value)
