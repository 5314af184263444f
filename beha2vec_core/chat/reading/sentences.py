"""The shape of a question: its sentences and parts, statements and explanations beside it, a verb that is not known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from beha2vec_core.chat.rewrites.percent import PERCENT
from beha2vec_core.chat.rewrites.whole_questions import OF_USE, WORTH_IT
from beha2vec_core.chat.words.empty_words import is_talk
from beha2vec_core.chat.words.spelling import english_words

_OF = r"(?:(?:on|in|of|from|by|for|at|to|with|via|during) )?"
ASKS = r"(?:how (?:many|much|often|long|big|large|high)|what|which|when|where|why)"
# what those that were counted are, or did: a question of its own
OF_THEM = (
    r"(?:did|do|does|are|were|is|was|have|had|has) (?:they|it|these|those|that)\b(?!.*\b(?:up|down|gr[eo]w\w*|chang\w*|"
    r"ris\w*|rose|f[ae]ll\w*|improv\w*|than|compared|versus|vs)\b)"
)
_ENDS = re.compile(
    r"[?;](?=\s+\S)|(?<!\b\w)(?<!\bvs)(?<!\bno)(?<!\bincl)\.(?=\s+[a-z])|\s+[-\u2013\u2014]\s+(?=(?:and "
    rf")?{_OF}{ASKS}\b)|,\s*(?:and|or|but)?\s*(?=(?:and )?{_OF}{ASKS}\b(?! (?:is|are|was|were|the|has|have)\b.*,))|"
    r"(?:,\s*(?:and |but )?|\s+and )(?=(?:(?:whether|if|how) )?(?:it |they )?(?:has|have|did|does|do|is|are|was|were) "
    rf"(?:[a-z]+ )?.*\bsince\b)|(?:,\s*(?:and |but )?|\s+and )(?={OF_THEM}\b)|"
    rf"\s+and (?:also )?(?={_OF}{ASKS}\b)|\s+and (?=who (?:is|are|was|were|has|have|"
    r"[a-z]+s)\b)"
)
_HAS_IT = re.compile(r"\W*(?:has|have|did|is|are) (?:it|that|this|they|these|those)\b.*\bsince\b")
_ASKED = re.compile(rf"\b(?:{ASKS}|who|is|are|do|does|did|was|were|has|have|show|give|list|compare)\b")
_OF_THOSE = re.compile(r"\W*(?:out )?(?:of|among|from)\b")
# what the answer to the part before says: its size, its direction, the best of its rows
_TAIL = re.compile(
    rf"\W*(?:and |so |or )?(?:by (?:how (?:much|many)|what|which)(?: {PERCENT})?|how (?:much|big|large) (?:is|was) "
    r"(?:it|that|the (?:change|difference))|(?:is|was|has|did|does|do) (?:it|that|this|they|these) (?:\w+ )?(?:grow|"
    r"ris|fall|improv|declin|go|chang|differ|increas|decreas|up|down|better|worse|higher|lower)\w*(?: (?:up|down|or "
    r"(?:up|down|not)))?|what(?: is| was|s)? the difference|how many(?: (?:are|were|is) (?:there|they|it))?|which "
    r"(?:ones?|day|week|month|hour|weekday|quarter|channel|device|country|source|page|product|item)? ?(?:(?:is|are|"
    r"was|were|has|have|had|does|do|did|performs?|performed|comes?|came) )?(?:the )?(?:best|worst|strongest|weakest|"
    r"highest|lowest|biggest|smallest|most|least|top|first|ahead|leading)(?: one)?|(?:was|is) (?:it|that|this) "
    r"(?:just )?(?:a |an )?(?:one[- ]off|exception|outlier|coincidence|fluke|accident|chance))\W*"
)
_FIRST = re.compile(r"\b(?:best|worst|biggest|largest|smallest|highest|lowest|most|least|top|record)\b")
_OF_MONEY = re.compile(
    r"\b(?:sales?|revenue|money|spen[dt]\w*|orders?|customers?|buyers?|sold|sell|days?|weeks?|months?)\b"
)
_OF_VISITS = re.compile(r"\b(?:visit\w*|sessions?|traffic|users?|views?|pages?)\b")
_WHEN = re.compile(r"\W*(?:and )?when(?: (?:was|did|is) (?:it|that|this)(?: happen)?)?\W*")
_HOW_MUCH = re.compile(
    r"\W*(?:and )?how much(?: (?:money |revenue )?(?:came in|was (?:it|that|made|sold|spent)|(?:did|do|does|have|has) "
    r"(?:it|they|that|this|we)(?: (?:day|week|month|one|person|customer))? (?:spen[dt]|bring(?: in)?|make|made|earn|"
    r"sell|buy|pay|paid|take(?: in)?))(?: then)?)?\W*"
)
_TOPIC = re.compile(r"^\s*([^:?]{3,80}?)(?::|\s[-\u2013\u2014])\s+(?=\S)")
_OPINION = re.compile(  # of one of the groups that are asked for: by browser, I suspect that Safari is broken
    r"(?i)(?:,|\s[-\u2013\u2014])\s+((?:and |but |because )?(?:i|we) (?:(?:really|just|somehow) )?(?:suspect|think|"
    r"believe|guess|assume|fear|heard|feel|am afraid)\b[^,?]* (?:is|are|was|were|has|have|looks?|seems?)\b"
    r"[^,?]*)(,[^?]*)?\W*$"
)
_OF_GROUPS = re.compile(r"(?i)\b(?:by|per|each|which)\b")
_OF_TOPIC = re.compile(  # error pages: how many users hit one; not "(?i)with one item", "more than one"
    r"(\b(?:hit|hits|saw|see|sees|seen|view|views|viewed|visit|visits|visited|use|uses|used|reach|reached) )"
    r"(?:one|them)\b(?!-)|(?<!than )(?<!least )(?<!most )(?<!only )(?<!just )(?<!exactly )(?<!which )\b(?:one|them)$"
)
_WHOLE = re.compile(
    r"\b(?:overall|in total|in general|altogether|all together) and (?=(?:on|in|for|from|by|via|with|of)\b)"
)
_DO_THEY = re.compile(  # how many visits on mobile do we have, and do they convert better
    r"^(\W*how many )(.+?)( (?:(?:do|did) (?:we|you) (?:have|get|see)|(?:are|were) there|have we(?: got)?)\b(?: |$)?)"
    r"(.*?),? and (do|did|does|are|were) they (.+?)(\W*)$",
    re.IGNORECASE,
)
_GLOSS = re.compile(
    r"\s*\((?:what|i\.?e\.?|that is|that means|meaning|e\.?g\.?|for example|like|such as|so|in other words)\b[^()]*\)"
)
_EXAMPLES = re.compile(
    r"\s*(?:\s[-\u2013\u2014]\s|[:(]\s*)(?:like |such as |e\.?g\.? )?(?P<some>[^-\u2013\u2014:(?.]*?)[\s,]*"
    r"\b(?:etc\.?|and so on|and so forth|\.\.\.)\)?(?=\W*$)"
)
_POINTS = re.compile(r"\b(?:they|them|these|those|their|it|its|that|there|this)\b")
_SENTENCES = re.compile(r"(?<=[a-z\d)][.?!])\s+(?=[A-Z])")
_BEGINS = re.compile(  # a sentence that asks
    rf"\W*(?:(?:and|so|but|now|then|also|or|please|on|in|of|from|by|for|at|to|with|via|during) )*(?:{ASKS}|who|whose|"
    r"whom|is|are|do|does|did|was|were|has|have|had|can|could|would|will|any|show|give|list|compare|tell|rank|sort|"
    r"plot|break|split|top|find|get|explain|describe|i(?: would|'d)? (?:want|need|like|mean))\b"
)
_WHY = re.compile(
    r"\W*(?:and |but |so )?(?:(?:any |do you have any |do you know |can you (?:tell|say|explain) )?(?:idea |clue |"
    r"reason )?(?:why|how come)(?: (?:is|was|did|has|does) (?:that|this|it)(?: (?:so|happen|happened|the case|be))?| "
    r"so| though)?|what (?:is|was|'s)(?: the)? (?:reason|cause|explanation)|what happened(?: (?:there|here|then))?|"
    r"what (?:is|was) behind (?:it|that|this)|explain(?: (?:it|that|this))?)\W*"
)
# what is asked for a second time, as it should be broken down: "I mean countries and devices"
_MEANT = re.compile(
    r"\W*(?:i mean|i(?:'m| am) (?:mainly |mostly |only )?interested in|i(?:'d| would)? (?:need|want|like) (?:it|them|"
    r"that)|(?:please )?(?:broken down|split|grouped|break it down|show (?:it|them)|list (?:it|them)))?\s*(?:by|per|"
    r"for each|in terms of|i mean)?\s+(?P<by>[a-z]+(?:(?:, | and |, and )[a-z]+){0,3})\W*|(?P<also>[a-z]+(?:(?:, | and "
    r"|, and )[a-z]+){0,3}) (?:(?:would|will) )?(?:be|is|are|helps?|does|do)(?: me)?(?: (?:enough|fine|ok|okay|helpful|"
    r"nice|useful|great|good))?\W*|(?:tell|give|show) (?:me|us) (?:also )?(?:the|which) (?P<one>day|week|month|quarter|"
    r"hour|channel|device|country|source|browser)s?(?: please| too)?\W*"
)
_STATES = re.compile(  # a statement has a subject and a verb: "Only mobile." limits the question
    r"\W*(?:we|i|our|my|everyone|everybody|people|someone|they|it|this|that|there)\b|\b(?:is|are|was|were|am|have|has|"
    r"had|do|does|did|looks?|looked|seems?|seemed|feels?|felt|gets?|got|thinks?|know|knows|says?|said|went|goes?|fell|"
    r"rose|dropped|came|comes?|spends?|spent|runs?|ran|changed|launched|started|uses?|used)\b"
)
_LONG = re.compile(r"\W*(?:\S+\s+){4}\S")  # a statement too, unless it limits
_LIMITS = re.compile(
    r"\W*(?:only|just|but|and|or|not?|without|excluding|except|for|in|on|from|by|with|via|of|all|please)\b"
)
_GOES_ON = re.compile(
    r"\W*(?:and|or|what about|how about) (?:in|on|for|from|by|via|with|without|the|only|just|of|\w+\W*$)"
)
# a question of its own, not "which are ...", "when ...": these can limit what stands before
_ALONE = re.compile(
    r"\W*(?:(?:and|also|or|but|then|so|on|in|of|from|by|for|at|to|with|via|during)\b\W*)*"
    r"(?:how (?:many|much|often|long|big|large|high|do|does|did|is|are|was|were)|what|"
    r"which (?!is|are|was|were|has|have|had|do|does|did|came|come|can)|"
    r"why|do|does|did|is|are|was|were|show|give|list|compare)\b"
)
_IS_IT = re.compile(r"\W*(?:is|are|was|were|do|does|did|should|has|have|can)\b")
_OF_JUDGMENT = re.compile(
    r"\b(?:worth(?:while)?|while|good|bad|idea|useful|useless|valuable|investment|invest(?:ing)?|waste|money|effort|"
    r"pay(?:ing)?|off|sense|keep(?:ing)?|continue|spend|bother)\b"
)
_GOOD = (
    rf"(?:{WORTH_IT}|{OF_USE}|worthwhile|important|relevant|valuable|good|successful|effective|strong|"
    r"a success|a failure|working(?: well)?|doing well|paying off)"
)
_GROUP = (  # not the search of the site, which is no channel
    r"(?!(?:it|this|that|they|these|those|there|we|i|you)\b|(?:(?:the|our) )?(?:(?:site|internal|product) )?search\b"
    r"(?! (?:ads?|engines?|traffic|campaigns?)\b))[^?.:;,]+?"
)
_JUDGED = re.compile(  # is email worth it, how important is email, what is email bringing us: and which measures
    rf"(?i)\W*(?:how (?:{_GOOD}|big|bad|well) (?:is|are|was|were) (?P<of>{_GROUP})|(?:is|are|was|were) "
    rf"(?P<by>{_GROUP}) (?:(?:really|still|actually|even) )*{_GOOD}|what (?:is|are|was|were|does|do|did|has|have) "
    rf"(?P<what>{_GROUP}) (?:(?:really|actually|even) )*(?:bring|deliver|yield|contribute|give|do)(?:ing|s)?)"
    r"(?: (?:for|to) (?:us|me|the (?:shop|business|company))| us)?"
    r"(?P<when> (?:in|during|since|last|this) [^?.:;,]+)?(?:[?.:;,]+|\s[-\u2013\u2014])\s*(?P<rest>\w.*)"
)
BIGGEST = re.compile(
    r"\W*(?:(?:please|just|only|list|show|give|name|tell|and|me|us)\b\s*)*(?:the |your )?(?:(?:top|biggest|largest|"
    r"main|best|most important|first|strongest)\s+)+(?P<top>\d+|three|five|ten)?\s*(?:ones?|few|of them)?(?: (?:first|"
    r"please|only|(?:is|are) (?:enough|fine|ok|okay|plenty)|will do))*\W*"
)
_SENTENCE = re.compile(r"\b(?:do|does|did|is|are|was|were|have|has|had|we|i|you)\b")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\S")
# what stands before such a verb, and what follows it
_BEFORE_A_VERB = (
    "please pls kindly can could would will you u we i me us let let's to also so now ok okay hi hello want need just ,"
)
_AFTER_A_VERB = "me us through out up the a an our my all how what which it"


def without_gloss(question: str) -> tuple[str, str]:
    """The question without an explanation in brackets, and the explanation."""
    found = _GLOSS.search(question.lower()) or _EXAMPLES.search(question.lower())
    if not found:
        return question, ""
    return question[: found.start()] + question[found.end() :], question[found.start() : found.end()].strip()


def without_talk(question: str) -> tuple[str, list[str]]:
    """The question without sentences about who asks and how to answer, and these."""
    sentences = [one for one in _SENTENCES.split(question.strip()) if one]
    left = [one for one in sentences if is_talk(one)]
    return (
        (" ".join(one for one in sentences if one not in left), left) if len(left) < len(sentences) else (question, [])
    )


def as_one_sentence(question: str) -> str:
    """The question with a last sentence that says no more than why, or by what, drawn into the one before."""
    sentences = [one for one in _SENTENCES.split(question.strip()) if one]
    if len(sentences) != 2:
        return question
    first, last = sentences[0].rstrip(" .!?"), sentences[1]
    if _WHY.fullmatch(last.lower()) and not _BEGINS.match(first.lower()):
        return f"why {first[:1].lower()}{first[1:]}?"
    meant = _MEANT.fullmatch(last.lower())
    if meant and (meant["by"] is None or re.match(r"\W*(?:i |by|per)", last.lower())):
        return f"{first} by {meant['by'] or meant['also'] or meant['one']}?"
    return question


def without_opinion(question: str) -> str:
    """The question without a topic that it names again and points to, and with an opinion as a sentence of its own."""
    if (topic := _TOPIC.match(question)) and not _ASKED.search(topic[1].lower()):
        named = re.search(rf"(?<!\w){re.escape(topic[1])}(?!\w)", question[topic.end() :], re.IGNORECASE)
        question = question[topic.end() :] if named and points(question[topic.end() + named.end() :]) else question
    if (opinion := _OPINION.search(question)) and _OF_GROUPS.search(question[: opinion.start()]):
        return f"{question[: opinion.start()]}{opinion[2] or ''}? {opinion[1][:1].upper()}{opinion[1][1:]}"
    return question


def parts_of(question: str) -> list[str]:
    """The parts of a question, each with what stands before all of them; one where it has no more."""
    if whole := _WHOLE.search(question.lower()):
        before, after = question[: whole.start()], question[whole.end() :]
        return [before.strip(), f"{before}{after}"]
    if both := _DO_THEY.match(question):
        how_many, who, have, when, do, what, end = both.groups()
        return [f"{how_many}{who}{have}{when}", f"{do} {who} {what} {when}".strip() + end]
    topic = ""
    if (found := _TOPIC.match(question)) and not _ASKED.search(found[1].lower()):
        topic, question = found[1], question[found.end() :]
    found_parts, begun = [], 0
    for end in _ENDS.finditer(question.lower()):
        found_parts.append(question[begun : end.start()])
        begun = end.end()
    found_parts = [part.strip(" ,.;?") for part in (*found_parts, question[begun:])]
    is_said = len(found_parts) > 1 and _is_said(found_parts[1].lower(), found_parts[0].lower())
    is_apart = topic or is_said or asks(found_parts[0]) or _HAS_IT.match(found_parts[-1].lower())
    if len(found_parts) > 1 and not is_apart and _goes_on(question, found_parts[0]):
        found_parts[:2] = [f"{found_parts[0]}, {found_parts[1]}"]  # In May and June, how many; a or b, which one
    parts = [found_parts[0]]
    for part in found_parts[1:]:  # "at least 50 sessions" belongs to what stands before
        goes_on = _GOES_ON.match(part.lower()) and f"{parts[-1]}?" in question
        if asks(part) or goes_on or _TAIL.fullmatch(part.lower()) or BIGGEST.fullmatch(part.lower()):
            parts.append(part)
        else:
            parts[-1] = f"{parts[-1]}, {part}"
    while len(parts) > 1 and (_TAIL.fullmatch(parts[-1].lower()) or _is_said(parts[-1].lower(), parts[0].lower())):
        parts.pop()
    if len(parts) > 1 and not topic and _OF_THOSE.match(parts[0].lower()):
        return [question]  # of those who did this, how many
    if not topic:
        return parts
    about = [_OF_TOPIC.sub(lambda found: f"{found[1] or ''}{topic}", part) for part in parts]
    has_it = re.compile(rf"(?<!\w){re.escape(topic)}(?!\w)")
    return [part if has_it.search(part) else f"{topic}: {part}" for part in about]


def _is_said(part: str, before: str) -> bool:
    """Whether the answer to the part before has it: the best day, and how much came in; the biggest order, and when."""
    is_money = _OF_MONEY.search(before) is not None and _OF_VISITS.search(before) is None
    return _FIRST.search(before) is not None and bool(_WHEN.fullmatch(part) or (is_money and _HOW_MUCH.fullmatch(part)))


def goes_on_since(parts: list[str]) -> bool:
    """Whether only the last part asks since when: "what is our order value, and has it gone up since May"."""
    return "since" in parts[-1].lower().split() and not any("since" in one.lower().split() for one in parts[:-1])


def only_question(text: str) -> tuple[str, str] | None:
    """The one sentence that asks, and the statements around it, if it can stand without them."""
    sentences = [one for one in _SENTENCES.split(text.strip()) if one]
    questions = [one for one in sentences if one.endswith("?") or _BEGINS.match(one.lower())]
    if len(sentences) < 2 or len(questions) != 1:
        return None
    if questions[0] != sentences[0] and _POINTS.search(questions[0].lower()):
        return None
    others = [one.lower() for one in sentences if one != questions[0]]
    if not all(_STATES.search(one) or is_talk(one) or (_LONG.match(one) and not _LIMITS.match(one)) for one in others):
        return None
    return questions[0], " ".join(one for one in sentences if one != questions[0])


def _goes_on(question: str, part: str) -> bool:
    """Whether a comma follows a part."""
    return question[question.index(part) + len(part) :].lstrip().startswith((",", "-", "\u2013"))


def asks(part: str) -> bool:
    """Whether a part is a question, or asks to show something."""
    return _ASKED.search(part.lower()) is not None


def stands_alone(part: str) -> bool:
    """Whether a part asks a question of its own, so that what stands before it is complete without it."""
    return _ALONE.match(part.lower()) is not None


def is_why(part: str) -> bool:
    """Whether a part asks why, and no more."""
    return _WHY.fullmatch(part.lower()) is not None


def is_judgment(part: str, unknown: Sequence[str]) -> bool:
    """Whether a part asks whether something is good, and no more: "is email worth it"; ``unknown``: not understood."""
    others = any(_OF_JUDGMENT.sub("", phrase.lower()).strip() for phrase in unknown)
    return _IS_IT.match(part.lower()) is not None and _OF_JUDGMENT.search(part.lower()) is not None and not others


def points(part: str) -> bool:
    """Whether a part points to the one before."""
    return _POINTS.search(part.lower()) is not None


def continues(part: str) -> bool:
    """Whether a part cannot stand alone: it points to the one before, or is no sentence."""
    return points(part) or _SENTENCE.search(part.lower()) is None


def without_judgment(question: str) -> tuple[str, str]:
    """The measures that are asked for after whether a group is any good, of this group, and the judgment.

    "Is email worth it? Sessions and orders please" asks for sessions and orders of email. All words about the group and
    about the measures stay; without both, the judgment is empty.
    """
    if not (found := _JUDGED.match(question)) or stands_alone(found["rest"]):  # which may be of all
        return question, ""
    rest = re.sub(r"(?i)\W*\b(?:please|pls|thanks|thank you)?\W*$", "", found["rest"])
    group = found["of"] or found["by"] or found["what"]
    judgment = (
        question[: found.start("rest")]
        .replace(group, "\u2026")
        .replace(found["when"] or "\n", "")
        .strip(" ?.,:;-\u2013\u2014")
    )
    return f"{rest} for {group}{found['when'] or ''}", judgment


def without_verb(question: str, unknown: Iterable[str]) -> tuple[str, str]:
    """The question without a verb at its beginning that was not understood, and the verb: "whisper the orders".

    What asks for an answer cannot limit it, whatever the verb is, so the question is answered without it, and the
    answer names it first. Elsewhere an unknown word may limit the question; the verb is then empty.
    """
    words = {word.lower() for word in unknown}
    tokens = list(_WORD.finditer(question))
    for token, after in pairwise(tokens):
        word = token[0].lower()
        if {word} == words and word in english_words() and after[0].lower() in _AFTER_A_VERB.split():
            return (question[: token.start()] + question[token.end() :]).strip(), word
        if word not in _BEFORE_A_VERB.split():
            break
    return question, ""
