"""Nouns for people, and verbs of change by direction, and the forms of verbs: one place for whatever reads them."""

from __future__ import annotations

import re

PEOPLE = r"users?|customers?|buyers?|visitors?|people|shoppers?"
# people who are named after where they come from: newsletter readers, google searchers
NAMED_AFTER = r"readers?|searchers?|followers?|fans?|subscribers?|recipients?|clickers?"

_DOWN = """
    drop dropped dropping; fall fell fallen falling; decline declined declining; decrease decreased decreasing;
    lose losing lost; shrink shrank shrunk shrinking; dip dipped dipping; halve halved halving;
    collapse collapsed collapsing; plummet plummeted plummeting; plunge plunged plunging; crash crashed crashing;
    tank tanked tanking; nosedive nosedived; tumble tumbled tumbling; slump slumped slumping; sink sank sunk sinking;
    slide slid sliding; slip slipped slipping; dwindle dwindled dwindling; weaken weakened weakening;
    worsen worsened worsening; deteriorate deteriorated deteriorating; downturn; downtick; setback; reduction;
    erode eroded eroding; wane waned waning; subside subsided subsiding; diminish diminished diminishing;
    slacken slackened slackening; slowdown; contraction
"""
_UP = """
    increase increased increasing; rise rose risen rising; grow grew grown growing growth; gain gained gaining;
    jump jumped jumping; spike spiked spiking; improve improved improving improvement; double doubled doubling;
    triple tripled tripling; quadruple quadrupled; surge surged surging; soar soared soaring;
    skyrocket skyrocketed skyrocketing; explode exploded exploding; climb climbed climbing;
    rebound rebounded rebounding; recover recovered recovering recovery; strengthen strengthened strengthening;
    uptick; upturn; uplift; boom boomed booming
"""
_EITHER = "change changed changing; swing swung; shift shifted"
PHRASES_DOWN = (
    "down", "go down", "gone down", "went down", "come down", "came down", "go south", "went south", "fall off a cliff",
    "fell off a cliff", "dry up", "dried up", "thin out", "thinned out", "peter out", "petered out", "inch down",
    "inched down", "creep down", "crept down", "edge down", "edged down", "tick down", "ticked down", "cool off",
    "cooled off", "slow down", "slowed down",
)  # fmt: skip
PHRASES_UP = (
    "up", "go up", "gone up", "went up", "pick up", "picked up", "shoot up", "shot up", "take off", "took off",
    "taken off", "go through the roof", "went through the roof", "inch up", "inched up", "creep up", "crept up",
    "edge up", "edged up", "tick up", "ticked up", "nudge up", "nudged up", "perk up", "perked up", "ramp up",
    "ramped up",
)  # fmt: skip


def forms(verbs: str, others: str = "") -> str:
    """A pattern of regular verbs in all their forms (fetch, fetches, fetched, fetching), and of other words."""
    found = others.split()
    for verb in verbs.split():
        if re.fullmatch(r"[^aeiou]+[aeiou][^aeiouwxy]", verb):  # stop, stopped
            stem, third = verb + verb[-1], f"{verb}s"
        elif re.search(r"[^aeo]y$", verb):  # study, studied
            stem, third = f"{verb[:-1]}i", f"{verb[:-1]}ies"
        else:
            stem, third = verb.removesuffix("e"), f"{verb}es" if re.search(r"(?:s|x|ch|sh)$", verb) else f"{verb}s"
        found += [verb, third, f"{stem}ed", f"{verb if stem.endswith('i') else stem}ing"]
    return f"(?:{'|'.join(found)})"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(";", " ").split())


DOWN, UP = _words(_DOWN), _words(_UP)
CHANGES = (*DOWN, *UP, *_words(_EITHER), *PHRASES_DOWN, *PHRASES_UP)
