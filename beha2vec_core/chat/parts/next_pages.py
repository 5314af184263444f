"""The page after or before another one in a question: "what do people look at right after the basket page"."""

from __future__ import annotations

import re

from beha2vec_core.chat.parts.grammar import OF_PAGES
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.words.lemmas import tokens
from beha2vec_core.chat.words.verbs import PEOPLE

_OF_PAGES = {*OF_PAGES, "landing_page"}
_ASK = (
    r"^\W*(?:(?:and|so|now|show me|tell me|give me|list|from) )*(?:(?:what|which|where|who)\b ?|the |"
    r"(?=next|previous|page|top|most|last))(?:(?:page|pages|other|else|is|are|was|were|the|most|common|popular|"
    r"frequent|often|usual|usually|typical|typically|top|\d+|first|very|thing|things|do|does|did|our|all|of|mostly|"
    rf"{PEOPLE}|readers|they|one|step|steps|stop) )*"
)
_RIGHT = (
    r"(?:(?:pages?|right|directly|immediately|straight|just|next|on|to|at|from|first|again|they|is|are|most|often) )*"
)
_SEE = (
    r"(?:(?:look(?:ed|ing)? at|sees?|seen|saw|views?|viewed|opens?|opened|visits?|visited|browsed?|clicks?(?: on)?|"
    r"reads?|heads?|continues?|ends? up|happens?|loads?|loaded|comes?|came|go|goes|went|going|moves?|next|follows?|"
    r"leads?|do|does) )"
)
_LANDS = (
    r"(?:land(?:s|ing|ed)?|arriv(?:es?|ing|ed)|start(?:s|ing|ed)?|begin(?:s|ning)?|enter(?:s|ing|ed)?) (?:on|at|with|"
    r"in|via)\b"
)
_THERE = (
    rf"(?:(?:they|{PEOPLE}|having|have|had|the|our|my|a|an|visit(?:ing|ed)?|view(?:ing|ed)?|see(?:ing|n)?|saw|"
    r"leav(?:e|ing)|left|read(?:ing|s)?|open(?:ing|ed)?|look(?:ing|ed)? at|reach(?:ing|ed|es)?|been on|(?:go|goes|"
    rf"going|went|gets?|getting|got) (?:in)?to|{_LANDS}) )*"
)
_OF = rf"(?:(?P<of>(?:[\w-]+ ){{1,2}}?)(?:{PEOPLE}) )?"  # mobile visitors
_AFTER = (
    rf"{_ASK}{_OF}(?:{_SEE}?{_RIGHT}(?:after|following) |(?:go|goes|went|head|continue|move)(?:ing)? {_RIGHT}from |"
    rf"(?:go|goes|went|head)(?:ing)? {_RIGHT}when |follows? |next page (?:of|from|for) )"
)
_BEFORE = (
    rf"{_ASK}{_OF}(?:{_SEE}?{_RIGHT}(?:before|prior to|ahead of) |"
    rf"(?:leads?|led|brings?|brought|sends?|takes?)(?: (?:{PEOPLE}|traffic|them|us))? to |previous page (?:of|for) )"
)
_NEIGHBOURS = tuple(
    (re.compile(rf"{pattern}{_THERE}(?P<rest>\S.*)$"), name)
    for pattern, name in ((_AFTER, "next"), (_BEFORE, "previous"))
)
_ARRIVES = re.compile(
    rf"^\W*from (?:what|which) (?:other )?pages? (?:do|does|did) (?:{PEOPLE}|they|most people) "
    rf"(?:come|get|go|reach|arrive|move)(?: (?:to|at|on))? {_THERE}(?P<rest>\S.*)$"
)
_NEXT = re.compile(  # where do readers of the wool article go next
    rf"^\W*(?:and )?(?:what|where|which (?:other )?pages?) (?:do|does|did) (?:the |our |most )?(?:{PEOPLE}) "
    r"(?:who|that|of|on) (?:(?:read|reads|viewed|view|saw|visited|opened|were on) )?(?P<rest>\S.*?) "
    r"(?:(?:usually|mostly|typically|then) )*(?:go|do|look at|visit|view|see|read|open|move|continue|head)(?: on)?"
    r"(?: to)? (?:next|afterwards|after (?:that|this|it)|then)\W*$"
)
# of the pages that the question before is about
_COME_FROM = re.compile(
    r"^\W*(?:and )?(?:(?:from )?(?:which|what) (?:other )?pages? (?:do|did|are|were) (?:they|these|those|people|users|"
    r"visitors)(?: views?| visits?| hits?)? (?:com(?:e|ing)|get there|arriv(?:e|ing))(?: (?:to it|there|from))?)\W*$"
)
_REFERRERS = re.compile(
    r"\b(?:(?:referrers?|referring pages?) (?:or|and) (?:the )?previous pages?|previous pages? (?:or|and) (?:the )?"
    r"(?:referrers?|referring pages?))\b(?: (?:do|did) (?:they|these|people|users|visitors) come from)?"
)
_LEAVES = (
    rf"(?:(?:they|{PEOPLE}) )*(?:leav(?:e|es|ing)|left|exit(?:s|ing)?|go(?:es|ing)? away|quit(?:s|ting)?|"
    r"(?:go|going) elsewhere)\b(?: (?:us|again|the (?:site|shop|website|store)))?"
)
_LAST_PAGE = re.compile(
    rf"{_ASK}last (?:pages?|thing)\b(?: (?:that|which|do|does|did|{PEOPLE}|they|most|is|visited|viewed|seen|see|"
    rf"visit|view|look at|looked at|open|saw))* (?:(?:right|just) )?before {_LEAVES}"
)
_ENDS_ON = re.compile(
    rf"^\W*(?:(?:on|from|at) (?:what|which) pages? (?:do|does|did|are|is) (?:(?:most|the|our) )*"
    rf"(?:visits|sessions|{PEOPLE}|they) (?:most often |usually |mostly |often |typically |generally |tend to )?"
    rf"(?:end|ending|ended|stop|{_LEAVES})|"
    rf"where (?:do|does|did) (?:(?:most|the|our) )*(?:(?:visits|sessions) (?:end|stop)|(?:{PEOPLE}|they) "
    r"(?:leave|exit|quit) (?:us|the (?:site|shop|website|store))))\b"
)
_NAMED_FIRST = re.compile(r"^\W*(after|from|before) ([^,]+), (?:and )?((?:what|where|which)\b.*?)\W*$")
_SEARCH = re.compile(r"^(?:a |the |they |their |our )*search(?:ing|ed|es)?\b(?: results?)?(?: pages?)?")


def in_neighbours(text: str, vocabulary: Vocabulary) -> str:
    """A text in small letters that asks for the pages next to a page, as page views by these."""
    text = _ENDS_ON.sub("exits by page ", _LAST_PAGE.sub("exits by page ", text))
    text = _NAMED_FIRST.sub(r"\3 \1 \2", text)
    if _COME_FROM.match(text):
        return "and by previous page"
    text = re.sub(
        r"\b(previous page)s? (?:do|did) (?:they|these|people|users|visitors) come from",
        r"\1",
        _REFERRERS.sub("previous page", text),
    )
    for pattern, name in (*_NEIGHBOURS, (_ARRIVES, "previous"), (_NEXT, "next")):
        if (found := pattern.match(text)) and (page := _page(found["rest"], vocabulary)):
            top = re.match(r"\W*(?:\w+ ){0,4}?(top \d+ )", text)
            of = found.groupdict().get("of") or ""
            views = "entrances" if re.search(_LANDS, text[: found.start("rest")]) else "page views"
            return f"{top[1] if top else ''}{views} by {name} page of {page} {of}".strip()
    return text


def _page(rest: str, vocabulary: Vocabulary) -> str:
    """The rest of a question that begins with a page, which is named so; else nothing."""
    if "search" in vocabulary.contents.values.get("page_type", []):
        rest = _SEARCH.sub("search page", rest)
    words = tokens(re.sub(r"^(shipping|payment|confirmation) step\b", r"\1 page", rest))
    for size, values in vocabulary.values_at(words, 0):
        if {one.dimension for one in values} & _OF_PAGES:
            named = " ".join(words[:size])
            is_page = (
                words[size : size + 1] in (["page"], ["pages"]) or "/" in named or named.endswith(("page", "pages"))
            )
            of_type = any(one.dimension == "page_type" for one in values)
            return f"{named}{' page' * (of_type and not is_page)} {' '.join(words[size:])}"
    return ""
