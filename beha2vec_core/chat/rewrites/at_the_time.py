""" "When" as "at the time of": "used a coupon when they bought", "were on mobile when they ordered"."""

from __future__ import annotations

from beha2vec_core.chat.rewrites.substitute import Rules
from beha2vec_core.chat.words.verbs import NAMED_AFTER, PEOPLE

_WHO = rf"(?:they|people|someone|somebody|you|one|(?:the |our )?(?:{PEOPLE}))"
_BUY = (
    r"(?:(?:(?:are|were|is|was) )?(?:buy(?:s|ing)?|bought|order(?:s|ed|ing)|order(?! values?)|purchas(?:e|es|ed|ing)|"
    r"check(?:s|ed|ing)? out|shop(?:s|ped|ping)?|paid|pay(?:s|ing)?)|(?:place|placed|placing|make|made|making|"
    r"complet(?:e|ed|ing)) (?:an?|the|their) (?:order|purchase))(?: (?:something|anything|(?:from|with|at) us))?\b"
)
_COUPON = r"(?:coupons?|vouchers?|(?:promo|discount|coupon|voucher|promotion) codes?)"
_USED = r"(?:(?:was|were|is|are|got|gets) )?(?:used|redeemed|applied|entered)"
_WHEN = r"(?:when|while|as soon as|whenever|as(?= they\b))"
_KIND = (
    r"(?:devices?|browsers?|(?:operating )?systems?|os|channels?|sources?|countr(?:y|ies)|campaigns?|"
    r"coupons?|platforms?)"
)
_ON = r"(?:on|from|via|through|with|by|in|using)"
_ANYONE = r"(?:people|someone|somebody|one|(?:the |our )?(?:users|visitors))"
_NO_OBJECT = r"(?= (?:on|from|in|via|during|last|this|yesterday|most|the most)\b|\W*$)"

AT_THE_TIME: Rules = (
    # what stands first belongs to what follows the comma
    (rf"^(\W*){_WHEN} ((?:{_WHO} )?{_BUY}|(?:an? |the )?{_COUPON} {_USED}|{_WHO} us(?:e|es|ed) (?:an? )?{_COUPON}),? "
     r"((?:how|what|which|do|does|did|is|are)\b[^?]*)(\W*)$", r"\1\3 when \2\4"),
    (rf"\b{_WHEN} (?:an? |the |any )?{_COUPON} {_USED}|\b{_WHEN} (?:{_WHO} )?us(?:e|es|ed|ing) (?:an? |any )?{_COUPON}",
     "with a coupon"),
    (r"(?<!average )\border value(?= (?:when|with a coupon)\b)", "average order value"),
    (r"\bhow many use (?=an? )", "how many people used "),
    (rf",? \b{_WHEN} (?:{_WHO} )?(?:are )?visit(?:ing|ed|s)?(?: us| (?:the|our) (?:site|shop|store|"
     r"website))?(?=\W*$)", ""),
    (rf"^(\W*)(?:(?:on|in|from) )?(?:what|which) (?:kinds? of |types? of )?({_KIND}) (?:do|does|did|are|is|were) "
     rf"(?:{_WHO} )?(?:(?:using|used|use|come from|on) )?{_WHEN} (?:{_WHO} )?{_BUY}", r"\1orders by \2"),
    # a coupon is one of an order
    (rf"^(?=.*\b(?:{_COUPON}|codes?)\b)(?!.*\bwhen (?:do|does|did|is|are|was|were)\b)(.*?),? {_WHEN} "
     rf"(?:{_WHO} )?{_BUY}", r"\1"),
    (rf"\b(?:(?:was|were|are|is|been|came|come|comes) ({_ON})|us(?:e|es|ed|ing)) ((?:[\w/.-]+ ){{1,3}}?){_WHEN} "
     rf"(?:{_WHO} )?{_BUY}", r"ordered with \2"),
    (rf"\b{_WHEN} (?:{_WHO}|it|(?:the )?(?:visits?|sessions?)) (?:c[oa]mes?|arrives?|arrived|are|is|were|was|visits?|"
     rf"visited|brows(?:e|es|ed)|visiting) (?:us |here )?(?=(?:{_ON})\b(?! the (?:checkout|cart|basket)))", ""),
    (rf"\b{_WHEN} (?:{_WHO} )?{_BUY} (?=(?:{_ON})\b)", ""),
    (rf"\b{_WHEN} (?=(?:on|from|via|through|using) (?!the\b)\w)", ""),
    (rf"\b{_WHEN} {_WHO} used (?=[\w-]+\W*$|[\w-]+ (?:in|on|last|this|by)\b)", "with "),
    (rf"\b{_WHEN} (?:(?:landing|arriving|starting|entering)(?: (?:on|at|in))?|(?:the |their )?(?:visits?|sessions?) "
     r"(?:starts?|begins?|started|began) (?:on|at|with)) ", "landing on "),
    (rf"^(\W*)what (?:do|did|does) {_ANYONE} (?:look at|view|see|visit){_NO_OBJECT}", r"\1top pages by page views"),
    (rf"^(\W*)what (do|did|does) (?!(?:we|i|you|it)\b)((?:[\w'-]+ )*?(?:they|those|"
     rf"{PEOPLE}|{NAMED_AFTER})(?: {_ON} [\w ]+?)?) (?:look at|view|see|visit|read){_NO_OBJECT}",
     r"\1which pages \2 \3 view"),
)  # fmt: skip
