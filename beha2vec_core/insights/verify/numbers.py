"""Whether a number is described as what it is: a value, all users', an interval, a size."""

import re

from beha2vec_core.insights.reading import Mention, Part, Sentence
from beha2vec_core.insights.verify.meaning import distance, strange_words
from beha2vec_core.insights.vocabulary import metrics
from beha2vec_core.insights.vocabulary.claims import BOUNDED, NEVER
from beha2vec_core.insights.vocabulary.everybody import EVERYBODY, GROUP_WORDS, THE_REST, VERSUS, WEAK_EVERYBODY


def form_problems(sentence: Sentence, at: int, mention: Mention) -> list[str]:
    """What is wrong with the form of a placeholder: its interval, its "times", what stands right around it."""
    after, before = sentence.text[at + 1 :], sentence.text[:at]
    follows_times = re.match(r"\s*(?:times\b|x\b|×)", after)
    if mention.form == "times":
        if not follows_times:
            return ["{id|times} is followed by the word 'times'"]
        is_less = re.match(r"\s*(?:times|x|×)\s+(?:less|fewer|lower|smaller|rarer)\b", after)
        return ["'times less' says nothing: give both values"] if is_less else []
    if mention.form in {"low", "high"}:
        return [] if _is_interval(sentence, at, mention) else ["an interval has both ends: {id|low} to {id|high}"]
    if metrics.A_DIFFERENCE.match(after):
        return [f"{mention.text} is a value, not a difference"]
    if follows_times:
        return [f"only {{id|times}} is followed by 'times', not {mention.text}"]
    if re.match(r"\s*(?:%|percent)", after):
        return [f"{mention.text} is no percentage"]
    if mention.form == "" and BOUNDED.search(before) and not _is_of_other(sentence, at):
        return [f"{mention.text} is the number itself: no 'more than', 'under' or 'almost' before it"]
    return []


def _is_interval(sentence: Sentence, at: int, mention: Mention) -> bool:
    """Whether both ends are adjacent, the lower one first."""
    forward = mention.form == "low"
    near = range(at + 1, at + 8) if forward else range(at - 1, at - 8, -1)
    other = next((sentence.mentions[where] for where in near if where in sentence.mentions), None)
    return other is not None and other.form == ("high" if forward else "low") and other.fact == mention.fact


def _is_of_other(sentence: Sentence, at: int) -> bool:
    """Whether a number follows the name of a cluster: 'more than cluster 4 ({...})'."""
    return any(mention.clusters for where, mention in sentence.mentions.items() if where < at)


def size_problems(sentence: Sentence, at: int, mention: Mention) -> list[str]:
    """What is wrong with a number of users, or a share of all users."""
    fact, part = mention.fact, sentence.parts[sentence.part_at(at)]
    assert fact is not None
    before, after = sentence.text[:at], sentence.text[at + 1 : part.end]
    if fact.metric == "user_share":
        if mention.form == "all":
            return ["the share of all users in all users says nothing"]
        is_other = bool(
            strange_words(sentence.written(part), fact)
            or re.match(r"\s*of (?:them|these|this)\b", after)
            or any(m.features for _, m in sentence.inside(part))
        )
        is_size = re.search(
            r"\b(?:of|users|visitors|group|cluster|share|audience|base|traffic)\b", sentence.written(part)
        )
        return [f"{fact.fact_id} is the size of the group"] if is_other or not is_size else []
    numbers = [m for _, m in sentence.inside(part) if m.is_number and m.fact and m.fact.metric == "users"]
    if mention.form == "all":
        is_total = re.search(r"\b(?:of|out of|among|all)(?: the| all| a total of| our)* ?$", before)
        is_total = is_total or EVERYBODY.search(sentence.written(part)) or re.search(r"\btotal\b", after)
        return [] if is_total and numbers[0].form != "all" else [f"{mention.text} is the number of all users"]
    if len(numbers) > 1 and numbers[0].form == "all":
        return ["the number of the group comes before the number of all users"]
    if re.match(r"\s*of (?:them|these|their|users|visitors)\b", after) or (
        strange_words(sentence.written(part), fact) and not metrics.COUNTED.search(sentence.text[part.start : at])
    ):
        return [f"{fact.fact_id} is the number of users of the group, not of those who do something"]
    return []


def population_problems(sentence: Sentence, at: int, mention: Mention, is_comparison: bool) -> list[str]:
    """What is wrong with whose number it is said to be: all users', or this group's."""
    number = sentence.part_at(at)
    part = sentence.parts[number]
    here = sentence.written(part)
    beside = [
        sentence.written(sentence.parts[n])
        for n in (number - 1, number + 1)
        if 0 <= n < len(sentence.parts) and not any(m.is_number for _, m in sentence.inside(sentence.parts[n]))
    ]
    if mention.form == "all":
        if THE_REST.search(here) and not EVERYBODY.search(here):
            return [f"{mention.text} is of all users, this group among them: write 'all users'"]
        if GROUP_WORDS.search(here) and not EVERYBODY.search(here):
            return [f"{mention.text} is the value of all users, not of this group"]
        follows_value = any(
            other.fact == mention.fact and other.form == "" and where < at for where, other in sentence.mentions.items()
        )
        if EVERYBODY.search(here) or WEAK_EVERYBODY.search(here) or any(map(EVERYBODY.search, beside)):
            return []
        if follows_value and (part.after in VERSUS or part.is_bracketed):
            return []
        return [f"say that {mention.text} is the value of all users"]
    if mention.form != "":
        return []
    if _is_nearer_to_everybody(sentence, at, part):
        return [f"{mention.text} is the value of this group, not of all users"]
    has_all = any(m.form == "all" for _, m in sentence.inside(part))
    if EVERYBODY.search(here) and not has_all:
        return [f"{mention.text} is the value of this group, not of all users"]
    before = sentence.parts[number - 1] if number else None
    if before and not GROUP_WORDS.search(here) and not any(m.is_number for _, m in sentence.inside(before)):
        introduces = EVERYBODY.search(sentence.written(before)) and before.after not in VERSUS
        opens = re.match(
            r"^\s*(?:for|among|of|across|in|with|all|the|overall|everyone)\b", sentence.written(before), re.I
        )
        if introduces and opens and part.after in {",", ":", "–", "—"}:
            return [f"{mention.text} is the value of this group, not of all users"]
    if part.after in VERSUS and not is_comparison and not GROUP_WORDS.search(here):
        return [f"{mention.text} is the value of this group: say so, and compare it with {{id|all}}"]
    return []


def pairing_problems(sentence: Sentence) -> list[str]:
    """What is wrong with the numbers of all users: each belongs to a number beside it, of the same fact."""
    numbers = [
        (at, m, sentence.parts[sentence.part_at(at)].clause, (m.fact.metric, m.fact.feature))
        for at, m in sentence.mentions.items()
        if m.is_number and m.fact and m.fact.metric not in metrics.SIZES
    ]
    own = [(clause, what) for _, m, clause, what in numbers if m.form != "all"]
    found = []
    for at, mention, clause, what in numbers:
        if mention.form == "all":
            beside = [its for other, its in own if other == clause] or [its for _, its in own]
            if beside and what not in beside and not _says_none(sentence, at, mention):
                found.append(
                    f"{mention.text} is not of the fact that it stands beside: compare a value with its own |all"
                )
    return found


def _says_none(sentence: Sentence, at: int, mention: Mention) -> bool:
    """Whether the value is there in a word: 'none bought (all users {...|all})'."""
    number = sentence.part_at(at)
    part = sentence.parts[number - 1 if sentence.parts[number].is_bracketed and number else number]
    is_none = mention.fact is not None and mention.fact.value == 0
    return is_none and bool(NEVER.search(sentence.written(part)))


def _is_nearer_to_everybody(sentence: Sentence, at: int, part: Part) -> bool:
    """Whether "all users" stands nearer to this number than to theirs, where a part has both."""
    others = [where for where, m in sentence.inside(part) if m.form == "all"]
    phrases = [(m.start() + part.start, m.end() + part.start) for m in EVERYBODY.finditer(sentence.written(part))]
    return bool(others and phrases) and any(
        distance(span, at) < min(distance(span, where) for where in others) for span in phrases
    )
