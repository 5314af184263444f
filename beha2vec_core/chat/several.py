"""Questions of several parts: "how many users came from google, and how much did they spend?"."""

from __future__ import annotations

import re

_OF = r"(?:(?:on|in|of|from|by|for|at|to|with|via|during) )?"
ASKS = r"(?:how (?:many|much|often|long|big|large|high)|what|which|when|where|why)"
_ENDS = re.compile(
    r"[?;](?=\s+\S)|(?<!\b\w)(?<!\bvs)(?<!\bno)(?<!\bincl)\.(?=\s+[a-z])|"
    rf"\s+[-\u2013\u2014]\s+(?=(?:and )?{_OF}{ASKS}\b)|"
    rf",\s*(?:and|or|but)?\s*(?=(?:and )?{_OF}{ASKS}\b(?! (?:is|are|was|were|the|has|have)\b.*,))|"
    rf"\s+and (?:also )?(?={_OF}{ASKS}\b)|\s+and (?=who (?:is|are|was|were|has|have|[a-z]+s)\b)"
)
_ASKED = re.compile(rf"\b(?:{ASKS}|who|is|are|do|does|did|was|were|has|have|show|give|list|compare)\b")
_OF_THOSE = re.compile(r"\W*(?:out )?(?:of|among|from)\b")
# what the answer to the part before says: its size, its direction, the best of its rows
_TAIL = re.compile(
    r"\W*(?:and |so |or )?(?:by how (?:much|many)|how (?:much|big|large) (?:is|was) (?:it|that|the (?:change|"
    r"difference))|"
    r"(?:is|was|has|did|does|do) (?:it|that|this|they|these) (?:\w+ )?"
    r"(?:grow|ris|fall|improv|declin|go|chang|differ|"
    r"increas|decreas|up|down|better|worse|higher|lower)\w*(?: (?:up|down|or (?:up|down|not)))?|"
    r"what(?: is| was|s)? the difference|how many(?: (?:are|were|is) (?:there|they|it))?|"
    r"which (?:ones?|day|week|month|hour|weekday|quarter|channel|device|country|source|page|product|item)? ?"
    r"(?:(?:is|are|was|were|has|have|had|does|do|did|performs?|performed|comes?|came) )?(?:the )?"
    r"(?:best|worst|strongest|"
    r"weakest|highest|lowest|biggest|smallest|most|least|top|first|ahead|leading)(?: one)?)\W*"
)
_TOPIC = re.compile(r"^\s*([^:?]{3,80}?)(?::|\s[-\u2013\u2014])\s+(?=\S)")
_WHOLE = re.compile(
    r"\b(?:overall|in total|in general|altogether|all together) and (?=(?:on|in|for|from|by|via|with|of)\b)"
)
_GLOSS = re.compile(
    r"\s*\((?:what|i\.?e\.?|that is|that means|meaning|e\.?g\.?|for example|like|such as|so|in other words)\b[^()]*\)"
)
_POINTS = re.compile(r"\b(?:they|them|these|those|their|it|its|that|there|this)\b")
_SENTENCES = re.compile(r"(?<=[a-z\d)][.?!])\s+(?=[A-Z])")
_STATES = re.compile(r"\W*(?:we|i|our|my|everyone|everybody|people|someone|the|a|an|they|it|this|that|there)\b")
_SENTENCE = re.compile(r"\b(?:do|does|did|is|are|was|were|have|has|had|we|i|you)\b")


def without_gloss(question: str) -> tuple[str, str]:
    """The question without an explanation in brackets, and the explanation."""
    found = _GLOSS.search(question.lower())
    if not found:
        return question, ""
    return question[: found.start()] + question[found.end() :], question[found.start() : found.end()].strip()


def parts_of(question: str) -> list[str]:
    """The parts of a question, each with what stands before all of them; one where it has no more."""
    if whole := _WHOLE.search(question.lower()):
        before, after = question[: whole.start()], question[whole.end() :]
        return [before.strip(), f"{before}{after}"]
    topic = ""
    if (found := _TOPIC.match(question)) and not _ASKED.search(found[1].lower()):
        topic, question = found[1], question[found.end() :]
    found_parts, begun = [], 0
    for end in _ENDS.finditer(question.lower()):
        found_parts.append(question[begun : end.start()])
        begun = end.end()
    found_parts = [part.strip(" ,.;?") for part in (*found_parts, question[begun:])]
    parts = [found_parts[0]]
    for part in found_parts[1:]:  # "at least 50 sessions" belongs to what stands before
        if asks(part) or _TAIL.fullmatch(part.lower()):
            parts.append(part)
        else:
            parts[-1] = f"{parts[-1]}, {part}"
    while len(parts) > 1 and _TAIL.fullmatch(parts[-1].lower()):
        parts.pop()
    if len(parts) > 1 and not topic and _OF_THOSE.match(parts[0].lower()):
        return [question]  # of those who did this, how many
    return [f"{topic}: {part}" for part in parts] if topic else parts


def only_question(text: str) -> tuple[str, str] | None:
    """The one sentence that asks, and the statements around it, if it can stand without them."""
    sentences = [one for one in _SENTENCES.split(text.strip()) if one]
    questions = [one for one in sentences if one.endswith("?") or not _STATES.match(one.lower())]
    if len(sentences) < 2 or len(questions) != 1 or _POINTS.search(questions[0].lower()):
        return None
    return questions[0], " ".join(one for one in sentences if one != questions[0])


def asks(part: str) -> bool:
    """Whether a part is a question, or asks to show something."""
    return _ASKED.search(part.lower()) is not None


def continues(part: str) -> bool:
    """Whether a part cannot stand alone: it points to the one before, or is no sentence."""
    return _POINTS.search(part.lower()) is not None or _SENTENCE.search(part.lower()) is None
