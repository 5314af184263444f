"""Words of degree, manner and talk, which change nothing of what a question asks: "sharply", "in short", "so well".

Adverbs in -ly are such words unless they say when, how often, or which ones: these are listed here, and stay.
"""

from __future__ import annotations

import re

# of time, number, order and choice; and words in -ly that are no adverbs
_WITH_CONTENT = """
    early daily weekly monthly yearly quarterly biweekly bimonthly hourly nightly fortnightly annually
    newly formerly previously originally initially eventually finally subsequently immediately instantly consecutively
    simultaneously successively suddenly gradually constantly continually continuously permanently temporarily
    only solely exclusively purely merely mostly mainly chiefly primarily predominantly largely partly partially wholly
    separately jointly individually collectively mutually respectively alternatively
    once twice rarely scarcely hardly barely seldomly frequently regularly occasionally usually normally
    commonly repeatedly nearly directly indirectly organically manually automatically internally externally locally
    globally nationally internationally regionally domestically digitally physically anonymously personally publicly
    privately freely cheaply legally illegally unlikely likely averagely doubly triply
    statistically significantly abnormally unusually unexpectedly randomly accidentally mistakenly falsely wrongly
    family italy july supply reply apply comply rely multiply imply fly ally assembly anomaly monopoly jelly belly bully
    curly woolly silly holy ugly lovely friendly lonely elderly ally butterfly
"""
_KEPT = frozenset(_WITH_CONTENT.split())
# phrases, in the words of a question in small letters
_PHRASES = re.compile(
    r"\b(?:in (?:short|brief|a nutshell|one sentence|a few words|plain english|detail|particular|general|reality|fact|"
    r"the end|the first place|my opinion|your opinion|simple (?:terms|words))|"
    r"just the (?:(?:two|three|four) )?(?:numbers?|figures?)|"
    r"at all|so (?:very )?(?:well|badly|poorly|strongly|heavily)|by the way|as a matter of fact|"
    r"(?:no|any) idea|as (?:far as|long as) (?:you|i|we) (?:know|can tell|can see)|(?:just|i am|i'm|am) curious|"
    r"if (?:possible|you can|at all)|(?:this is )?for (?:my|our|a|the|an) (?:\w+ )?(?:boss|report|meeting|"
    r"presentation|slides?|deck|board|team|ceo|cmo)|"
    r"(?:i am|i'm|we are|we're|i was|just) (?:interested in|looking for|wondering(?: about)?|trying to find(?: out)?)|"
    r"would you mind (?:showing|telling|giving)(?: me| us)?|do you happen to know|any chance(?: you can| of)?|"
    r"(?:my|our) (?:boss|ceo|cmo|manager|client|colleague) (?:asks|asked|wants to know|wonders)|"
    r"do you know|can you (?:tell|say|see)|could you (?:tell|say)|i(?: would|'d) (?:like|love) to (?:know|see)|"
    r"(?:a|one|another) (?:quick )?question|roughly speaking|of course|for example|or so|or something|"
    r"even though)\b|\bi\.e\.? .*$"
)
_TALK = """
    pretty somewhat indeed anyway anyways kinda somehow though although even stuff thing things anything everything
    true truth wow hm hmm oh ah um uh alright cheers thanks thank wanna gonna gotta lemme gimme hiya yo dear super
    awesome great
"""
_TALKS = frozenset(_TALK.split())


def is_aside(word: str) -> bool:
    """Whether a word, in small letters, changes nothing."""
    return word in _TALKS or (len(word) > 4 and word.endswith("ly") and word not in _KEPT)


def without_asides(text: str) -> str:
    """A text in small letters without phrases that change nothing."""
    return _PHRASES.sub(" ", text)
