"""Pages that people hit, and the last ones that they see, in the words of landing and exit pages."""

from __future__ import annotations

from beha2vec_core.chat.rewrites.substitute import Rules
from beha2vec_core.chat.words.verbs import PEOPLE

_WHO = rf"(?:(?:most |the |our )*(?:{PEOPLE})|they|someone)"
_SEE = r"(?:see|saw|look(?:ed)? at|view(?:ed)?|visit(?:ed)?|open(?:ed)?|were on|are on|hit)"
_LEAVE = (
    r"(?:leav(?:e|es|ing)|left|exit(?:s|ing|ed)?|quit(?:s|ting)?|go(?:es|ing)?(?: away| elsewhere)?|"
    r"bounc(?:e|es|ing))\b"
    r"(?: (?:us|(?:the |our )?(?:site|shop|store|website|page)))?"
)
_VISIT = r"(?:(?:an?|the|their|most|each|every|all|our) )*(?:visits?|sessions?)"
_ENDS = r"(?=\W*$| (?:on|from|by|in|for|last|this)\b)"

EXITS_AND_HITS: Rules = (
    (r"\b(?:for )?most of the (?:time|cases)\b|\bin most cases\b", "most"),
    (rf"^\W*(?:(?:show|give|list)(?: me)? )?(?:(?:what|which)(?: is| are| was|'s)? )?(?:the )?(?:most (?:common|"
     rf"frequent|popular|usual) )?(?:last|final) pages?(?: (?:(?:that|which) )?(?:do |did )?{_WHO} (?:usually |"
     rf"mostly |typically )?{_SEE}| (?:seen|viewed|visited))?(?: (?:right |just )?before (?:{_WHO} )?{_LEAVE}| "
     rf"(?:of|in|on) {_VISIT}){_ENDS}", "exit pages"),
    (rf"^\W*(?:what|which)(?: is| are| was)? (?:the )?(?:last|final) pages? (?:(?:that|which) )?(?:do |did )?{_WHO} "
     rf"(?:usually |mostly |typically )?{_SEE}{_ENDS}", "exit pages"),
    (rf"^\W*(?:what|which) pages? (?:is|are|was|were|comes?) (?:the )?last(?: ones?)? (?:in|of|on) {_VISIT}{_ENDS}",
     "exit pages"),
    (rf"^\W*(?:what|which) pages? (?:do|does|did) (?:(?:most|the|our) )*(?:visits|sessions|{PEOPLE}|they) (?:end|stop|"
     rf"finish|{_LEAVE}) (?:on|at|with|from)(?: (?:the )?most)?{_ENDS}", "exit pages"),
    (rf"^\W*(?:what|which) pages? (?:do|did) {_WHO} {_SEE} last\b", "exit pages"),
    (rf"\b(landing|entry) (pages?) (?:(?:that|which) )?(?:do |did )?{_WHO} (?:hit|reach|see|land on|"
     r"arrive (?:on|at)|get to)(?: (?:the )?(?:most|first)(?: often)?)?\b", r"\1 \2 by sessions"),
    (rf"\b(?:which|what) pages? (?:do |did )?{_WHO} (?:hit|reach|see) first\b", "top landing pages"),
    (rf"\bwhere (?:do|did) {_WHO} (?:land|enter|arrive) (?:who|that) (?:hit|saw|see|got|get|viewed) (?:them|it|one)\b",
     "and by landing page"),
    (rf"\bwhere (?:do|did) {_WHO} (?:land|enter)(?: first)?{_ENDS}", "top landing pages"),
    (r"\ban? (?:silly|ridiculous|crazy|insane|huge|absurd|massive|stupid|suspicious|weird) (?:number|amount) of\b",
     "so many"),
    (r"^(?=.*\bpages?\b)(.*\b(?:so|too|how)? ?(?:many|most|more|of)) hits\b", r"\1 page views"),
    (rf"\b(pages? (?:(?:that|which) )?(?:do |did )?{_WHO}) hit\b", r"\1 view"),
    (r"\b(?:visits?|sessions?) (?:(?:that|which|who|are|is) )*(?:ends?|ended|ending|stops?|stopped|finish(?:es|ed)?) "
     r"(?:up )?(?:on|at|with|in) (?=(?:[\w/.'-]+ ){0,5}pages?\b)", "exits on "),
    (r"\b(pages?) preced(?:e|es|ed)\b", r"\1 comes before"),
    (r"\bgo(?:es)? out of (?=(?:the |our )?(?:site|shop|store|website)\b)", "leave "),
    (r"\bwork(?:s|ed|ing)? (better|best|worse|worst)\b", r"did \1"),
)  # fmt: skip
