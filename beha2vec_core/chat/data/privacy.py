"""What leaves this machine: no user key, no id, nothing personal that the rule list finds, no query string."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from beha2vec_core.chat.data.published import Published
from beha2vec_core.privacy.clean import MARKER
from beha2vec_core.privacy.clean import clean_text as without_personal_data
from beha2vec_core.privacy.names import is_first_name, looks_like_account_name
from beha2vec_core.profiles.text import clean_text

_LONGEST = 4000  # characters of a question that are sent
_WORD = re.compile(r"[\w.@+-]{1,128}")
# a short word such as "4", or one without digits, is a user's id only where it stands behind such a word
_SURE_LENGTH = 6
_USER = r"(?:user|person|visitor|customer|client|member|buyer|shopper|subscriber|login|account)s?"
_SAYS_USER = re.compile(rf"\b(?:{_USER}|people|ids?|keys?)\W{{0,3}}$", re.IGNORECASE)
_ONE = rf"(?!{_USER}\b)[\w@+][\w.@+-]{{0,127}}"
# user 4821, users with the ids 4821 and 4822, customer no. 4821, a buyer named dave42
_NAMED = re.compile(
    rf"(?i)\b{_USER}(?P<sure>(?:[\s_-]?|\s(?:with|whose|by|having)\s(?:the\s|an?\s)?)(?:id|key|name|number|no|"
    rf"nr)s?\b\.?(?:\sare\b)?|\s(?:named|called)\b)?(?:\sis\b)?\W{{1,3}}(?P<ids>{_ONE}(?:(?:\s?[,;&/]\s?(?:(?:and|"
    rf"or)\s)?|\s(?:and|or)\s){_ONE})*)"
)
_IN_LIST = re.compile(r"(?<![\w.@+-])(?!(?:and|or)\b)[\w@+][\w.@+-]*", re.IGNORECASE)
# what may follow a user and is no id: counts, shares, ranges (25-34), days, and parts of a whole (tier3)
_DATE = r"(?:20\d\d(?:-?[wqh]\d{1,2}|(?:[-.]\d{1,2}){1,2}|(?:0\d|1[0-2])[0-3]\d)?|\d{1,2}\.\d{1,2}\.(?:20)?\d\d)"
_NUMBER = re.compile(
    rf"(?i).{{1,3}}|\d{{1,3}}(?:[.,]\d{{1,3}})*%?|\d{{1,3}}-\d{{1,3}}|{_DATE}(?:(?:-|\.\.){_DATE})?|\d{{1,3}}-?(?:hour|"
    r"day|week|month|year)s?|(?:cluster|segment|group|tier|level|plan|step|top|week|day|month|version)[-_]?\d{1,3}"
)
_DAY = re.compile(r"(?<!\d)20\d\d(?:0\d|1[0-2])(?:[0-3]\d)?(?!\d)")
# a word of its own that is no part of an address: letters and five digits in a row, or digits at its end
_LETTERS_AND_DIGITS = re.compile(
    r"(?<![\w/.?=&-])(?!cluster\d)(?=[\w-]*[^\W\d_])(?=[\w-]*\d{5}|[\w-]*\d(?![\w-]))[\w-]++(?!/|\.\w)"
)
_THING = r"\b(?:sku|item|coupon|voucher|promo|campaign|product|order)"
_SAYS_THING = re.compile(rf"{_THING}s?(?:\s(?:id|no\.?|number|name|code)s?)?[\s:#\"'“(]{{1,3}}$", re.IGNORECASE)
_NUMBERED_THING = re.compile(rf"{_THING}[-_]?\d", re.IGNORECASE)
_WORD_AND_NUMBER = re.compile(rf"(?!{_USER}[-_\d])([^\W\d_]{{3,}})[-_]?\d{{1,3}}")
_PLACEHOLDER = re.compile(rf"{re.escape(MARKER)}|\[id\]|\[e-mail\]")
_ALIAS = re.compile(r"\buser_(\d+)\b")
_ID = re.compile(
    # hashes, UUIDs, GA4 devices
    r"(?i)\b(?:[0-9a-f]{24,}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\d{6,12}\.\d{9,12})\b|\bGA1\.\d\.[\d.]+"
)
_QUERY = re.compile(r"(?<=[\w/])\?[^\s\"'<>)\]]*=[^\s\"'<>)\]]*")


def outgoing(text: str, *, limit: int = _LONGEST) -> str:
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
        if len(text) > _LONGEST:
            text = text[:_LONGEST].rsplit(maxsplit=1)[0]  # without half a word, which might be half an address
        text = self._replace(text, self._lookup(_candidates(text)) if self._named else {})
        text = _NAMED.sub(self._without_ids, without_personal_data(text))
        return outgoing(_LETTERS_AND_DIGITS.sub(self._without_login, text), limit=_LONGEST)

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

    def _without_ids(self, named: re.Match[str]) -> str:
        """A mention of users without the ids or account names that follow; a list ends with the first other word."""
        text, begin = named[0], named.start("ids") - named.start()
        found = []
        for match in _IN_LIST.finditer(text, begin):
            word = match[0].strip(".-+")
            if self._is_id(word, sure=named["sure"] is not None):
                found.append(match.span())
            elif not re.search(r"\d", word):
                break
        for start, end in reversed(found):
            text = text[:start] + text[start:end].replace(text[start:end].strip(".-+"), "[id]") + text[end:]
        return text

    def _is_id(self, word: str, sure: bool) -> bool:
        if _ALIAS.fullmatch(word):
            return False
        if looks_like_account_name(word):
            return True
        return re.search(r"\d", word) is not None and (sure or not (_NUMBER.fullmatch(word) or self._is_of_data(word)))

    def _without_login(self, match: re.Match[str]) -> str:
        word, before = match[0], match.string[max(0, match.start() - 30) : match.start()]
        is_thing = _NUMBERED_THING.match(word) or _SAYS_THING.search(before) or _ALIAS.fullmatch(word)
        is_login = re.search(r"\d{5}", word) is not None or looks_like_account_name(word)
        return "[id]" if is_login and not (is_thing or _DAY.search(word) or self._is_of_data(word)) else word

    def _is_of_data(self, word: str) -> bool:
        """Whether a word with letters is one of the data, or one with a number: ipad10, where an iPad is sold."""
        word = word.lower()
        if not re.search(r"[^\W\d_]", word):
            return False
        parts = _WORD_AND_NUMBER.fullmatch(word)
        stem = parts[1] if parts and not is_first_name(parts[1]) else word
        return not self._data.words().isdisjoint((word, stem))

    def _lookup(self, words: Iterable[str]) -> dict[str, str]:
        return self._data.identities([word.lower() for word in words])


def is_replaced(typed: str, sent: str) -> bool:
    """Whether a text was sent with placeholders in place of what is personal."""
    return len(_PLACEHOLDER.findall(sent)) > len(_PLACEHOLDER.findall(typed))


def _candidates(text: str) -> set[str]:
    """Words that may be a user's id. Any user can send "purchase" as their id to GA4, so words need a digit or an @."""
    words = {
        match.group()
        for match in _WORD.finditer(text)
        if (len(match.group()) >= _SURE_LENGTH and re.search(r"[\d@]", match.group()))
        or _SAYS_USER.search(text[max(0, match.start() - 30) : match.start()])
    }
    listed = {match[0] for named in _NAMED.finditer(text) for match in _IN_LIST.finditer(named["ids"])}
    words |= {word for word in listed if re.search(r"\d", word)}
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
