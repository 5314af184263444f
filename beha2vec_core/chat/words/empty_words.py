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
    once twice rarely scarcely hardly barely seldomly frequently regularly occasionally repeatedly
    nearly directly indirectly organically manually automatically internally externally locally
    globally nationally internationally regionally domestically digitally physically anonymously personally publicly
    privately freely cheaply legally illegally unlikely likely averagely doubly triply
    alphabetically
    statistically significantly abnormally unusually unexpectedly randomly accidentally mistakenly falsely wrongly
    family italy july supply reply apply comply rely multiply imply fly ally assembly anomaly monopoly jelly belly bully
    curly woolly silly holy ugly lovely friendly lonely elderly ally butterfly
"""
_KEPT = frozenset(_WITH_CONTENT.split())
# phrases, in the words of a question in small letters
_PHRASES = re.compile(
    r"\b(?:in (?:short|brief|a nutshell|one (?:sentence|line|word)|a few words|plain english|detail|particular|general|"
    r"reality|fact|the end|the first place|my opinion|your opinion|simple (?:terms|words))|just the (?:(?:two|three|"
    r"four) )?(?:numbers?|figures?)|at all|so (?:very )?(?:well|badly|poorly|strongly|heavily)|by the way|"
    r"as a matter of fact|(?:no|any) idea|as (?:far as|long as) (?:you|i|we) (?:know|can tell|can see)|(?:just|i am|"
    r"i'm|am) curious|if (?:possible|you can|at all)|(?:this is )?for (?:my|our|a|the|an) (?:\w+ )?(?:boss|report|"
    r"meeting|presentation|slides?|deck|board|team|ceo|cmo)|(?:i am|i'm|we are|we're|i was|just) (?:interested in|"
    r"looking for|wondering(?: about)?|asking (?:me|myself)|trying to find(?: out)?)|"
    r"would you mind (?:showing|telling|giving)(?: me| us)?|"
    r"do you happen to know|any chance(?: you can| of)?|(?:my|our) (?:boss|ceo|cmo|manager|client|colleague) (?:asks|"
    r"asked|wants to know|wonders)|do you know|can you (?:tell|say|see)|could you (?:tell|say)|i(?: would|'d) (?:like|"
    r"love) to (?:know|see)|(?:a|one|another) (?:quick )?question|roughly speaking|of course|for example|or so|"
    r"or something|even though)\b|\bi\.e\.? .*$"
)
_TALK = """
    pretty somewhat indeed anyway anyways kinda somehow though although even stuff thing things anything everything
    true truth wow hm hmm oh ah um uh alright cheers thanks thank wanna gonna gotta lemme gimme hiya yo dear super
    awesome great
"""
_TALKS = frozenset(_TALK.split())
# words that limit nothing in any place; what a question says with them is left out, and the answer says so
_LIMIT_NOTHING = """
    etc already perhaps nonetheless nevertheless therefore thus hence moreover furthermore meanwhile anyhow whatsoever
    whatever regardless asap fyi btw lol haha sorry
    usually normally typically generally commonly
    ugh hmmm aha mate buddy dude sir madam honest frankly alas indeed lately
"""
_LEFT_OUT = frozenset(_LIMIT_NOTHING.split()) - {"lately"}  # which is a period
_THINK = r"(?:think|thought|believe|guess|suppose|assume|feel|felt|heard|hear|noticed?|wonder|wondered|hope|suspect)"
_NEWS = r"(?:info|information|insights?|details|rundown|glimpse|overview|summary|picture|breakdown)"
_LEFT_OUT_PHRASES = re.compile(
    r"\b(?:at (?:some|any|one) (?:point|time|stage|moment)(?: in time)?|and (?:so on|so forth|the like|stuff like "
    r"that|all that|what not|the rest of it)|or (?:so|similar|whatever|anything like that|something like that)(?=\W*$|"
    r"[,.;?!])|(?<=who )else|(?<!what )(?<!which )sort of|more or less|by any chance|as usual|as always|as expected|"
    r"instead(?=\W*$)|(?<=, )(?:because |as |since |so |then )?(?:i|we) (?:(?:want|need|would like|plan|"
    r"have|am going|are going) to|will|can) (?:send|mail|e-?mail|contact|target|reach|write|invite|call)\b[^,.?]*"
    r"(?=\W*$)|"
    r"(?:just |only )?one more(?: thing| question)?(?=[:,])|"
    r",? ?now that (?:it is |it's |the )?(?:spring|summer|autumn|fall|winter|christmas|easter|season|weather|sale|"
    r"holidays?)\b[^,.?\d]*(?=\W*$)|"
    r"not sure (?:if|whether) [^:,?]*(?=[:,])|"
    r"(?:my|our|the) (?!users|customers|visitors|buyers|people|shoppers)(?:\w+ ){1,2}(?:wants? to know|is asking|"
    r"asked(?: me)?|asks(?: me)?|wonders|would like to know)[:,]?(?: if| whether)?|(?:(?:would|will) be|is|are) "
    r"(?:more than |good |just )*(?:fine|enough|ok|okay|sufficient|plenty|perfect|great)(?: (?:for me|for now|too|"
    r"already))?(?=\W*$)|for (?:once|a change|real|sure|that matter)|to be (?:honest|fair|precise|exact|sure|clear)|"
    r"after all|in (?:any|your) (?:case|opinion|view)|from (?:your|a) (?:side|data)|according to (?:you|the|our|your) "
    rf"(?:data|numbers)|(?:i|we) (?:really |just |always )?{_THINK}\b(?: that| if| whether)?|it (?:seems?|appears?|"
    r"looks?) (?:to me )?(?:like|as if|that)|the (?:thing|question|point) is(?: that)?|(?:(?:some|any|more|a|an|the|"
    rf"quick|short|brief|rough|further|basic|good) )*{_NEWS} (?:about|on|regarding|into|of)(?= (?:the|our|my|how|all|"
    r"what|which)\b)|(?<=, )(?:is|are|was|were|do|does|did|have|has)(?: not|n't|nt)? (?:it|they|we|that|"
    r"there)(?=\W*$)|(?<=, )(?:right|correct|no|yes|or not)(?=\?*\W*$))(?!\w)"
)
_ASKER = r"(?:from|with|in|the|a|an|our|your|new|just|responsible|on)"
_ANSWER = (
    r"(?:version|answer|summary|overview|reply|one|look|check|question|number|list|form|text|is enough|will do|please)"
)
# sentences about the one who asks, and about the answer
_TALKING = re.compile(
    r"\W*(?:(?:hi|hello|hey|ok|okay|well|so|please|thanks?|thank you|and|but)\b\W*)*(?:(?:[\w&'-]+ ){1,5}(?:here|"
    rf"speaking)|(?:i am|i'm|this is|my name is|it is|it's) {_ASKER}\b[^,:;?]*|(?:new|first (?:day|time)|beginner|not "
    r"a data person)\b[^,:;?]*|(?:(?:just|only|give|show|send|tell|write|keep|make|need|want|like|me|us|it|that|this|"
    r"i|i'd|we|to|be|answer|reply|know|see|a|the|an|very|in) )*(?:short|brief|quick|rough|simple|concise|plain|"
    rf"one[ -]line)(?:,? (?:{_ANSWER}|and|short|simple|clear))*|(?:just |only )?the (?:main |key |rough )?(?:numbers?|"
    r"figures?|facts?|basics?)(?: please)?|no (?:details?|charts?|tables?|jargon|essays?|fluff)(?: needed| please)?|"
    r"(?:i|we) (?:want|need|would like|plan|are going) to (?:send|write|run|start|launch|prepare|plan) "
    r"(?:(?:an?|the|our|out|new|special|win[- ]?back|reminder|retention|follow[- ]?up|thank[- ]?you|marketing) )*"
    r"(?:e-?mails?|mails?|mailings?|campaigns?|newsletters?|offers?|surveys?|coupons?|discounts?)|"
    r"(?:i|we) (?:need|want) (?:it|this|that|them) (?:for|in|by)\b.*|(?:it is|it's|this is) for (?:a|the|my|our)\b.*|"
    r"(?:any|have you|got) (?:idea|ideas|clue|thoughts)|i (?:would|'d)? ?(?:expect|think|guess|assume|hope|believe|"
    r"suppose) (?:so|not)|not (?:orders|money|revenue),? (?:but )?(?:pieces|units|items)|(?:please )?(?:describe|give|"
    r"show|tell|send)(?: (?:me|us))?(?: (?:them|it|that|a|an|the|some|brief|quick|short|rough|little|bit|profile|"
    r"description|picture|more|about|direction|figures?|numbers?|and|briefly|please))+(?: (?:that|which)? ?i can .*)?|"
    r"(?:is|are) (?:that|this|it) (?:true|right|correct|so)|(?:thank you|thanks|cheers|thx|ty)(?: (?:so much|a lot|in "
    r"advance|very much))?|please)\W*"
)


def is_aside(word: str) -> bool:
    """Whether a word, in small letters, changes nothing."""
    return word in _TALKS or (len(word) > 4 and word.endswith("ly") and word not in _KEPT)


def without_asides(text: str) -> str:
    """A text in small letters without phrases that change nothing."""
    return _PHRASES.sub(" ", text)


def is_left_out(word: str) -> bool:
    """Whether a word, in small letters, limits nothing in any place, so that a question is the same without it."""
    return word in _LEFT_OUT


def without_left_out(text: str) -> tuple[str, list[str]]:
    """A text in small letters without phrases that limit nothing, and these."""
    found = [one[0] for one in _LEFT_OUT_PHRASES.finditer(text)]
    return _LEFT_OUT_PHRASES.sub(" ", text), found


def is_talk(sentence: str) -> bool:
    """Whether a sentence is about the one who asks, or about how to answer: "Support lead here.", "Keep it short."."""
    return _TALKING.fullmatch(sentence.lower()) is not None
