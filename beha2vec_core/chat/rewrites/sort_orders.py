"""The order in which groups are listed: "best to worst", "lowest on top", "starting with the weakest"."""

from __future__ import annotations

from beha2vec_core.chat.rewrites.substitute import Rules

_FIRST = {  # what is said, and which of them stands first
    "highest first": "highest|high|largest|large|biggest|big|greatest|most|strongest|strong|busiest|top",
    "lowest first": "lowest|low|smallest|small|fewest|few|least|weakest|weak|quietest|bottom",
    "best first": "best|good", "worst first": "worst|bad|poorest|poor",
}  # fmt: skip
_SORTED = r"(?:\b(?:and|all|please|sort(?:ed)?|rank(?:ed|ing)?|list(?:ed)?|arranged?|ordered|in order|going)\b[,:]? )*"
_MOVED = r"(?<!went )(?<!gone )(?<!goes )(?<!go )(?<!changed )(?<!turned )(?<!moved )(?<!fell )(?<!dropped )"
_TO = r"(?:to|till|through|down to|up to|-+>|\u2192)"
_OTHER_END = "|".join(_FIRST.values())


def _of_end(end: str, words: str) -> Rules:
    some = "|".join(word for word in words.split("|") if word.endswith("est") or word in ("most", "best", "worst"))
    some = f"(?:{some}{'|least' * (end == 'lowest first')})"
    return (
        (rf"{_MOVED}{_SORTED}\b(?:from )?(?:the )?(?:{words}) {_TO} (?:the )?(?:{_OTHER_END})\b(?! \w+ rate)",
         f", {end} "),
        (rf"\b(?:the )?{some} ((?:(?!(?:and|or|is|are|was)\b)[\w-]+ ){{0,3}}?)(?:(?:always|should be|come|comes) )?"
         r"(?:first|on top|at (?:the )?(?:very )?top|up top)(?=(?: please)?\W*$|,| by\b)", rf"\1, {end} "),
        (rf"\b(?:and )?(?:start|begin)(?:ning|ing)? (?:with|from|at) (?:the )?{some}(?: (?:one|ones|of them))?\b",
         f", {end} "),
    )  # fmt: skip


GROUPS = (
    "products?|items?|articles?|brands?|categor(?:y|ies)|pages?|landing pages?|channels?|sources?|campaigns?|"
    "countr(?:y|ies)|markets?|devices?|browsers?|operating systems?"
)
_GROWING = "growing|rising|climbing|improving|falling|declining|shrinking|dropping|decreasing|increasing"
_WHICH = r"(?:(?:what|which)(?: is| are| was| were|'s)? )?(?:(?:show|give|list|me|the|our) )*"

SORT_ORDERS: Rules = (
    (rf"\b{_WHICH}(?:fastest|quickest|most rapidly)[- ]({_GROWING}) ({GROUPS})\b", r"which \2 are \1 fastest"),
    (rf"\b{_WHICH}trending ({GROUPS})\b|\bwhich ({GROUPS}) (?:is|are) trending\b", r"which \1\2 are growing fastest"),
    (r"\bfrom (?:the )?top (?:down|to (?:the )?bottom)\b|\btop[ -]down\b", ", highest first "),
    (r"\bfrom (?:the )?bottom (?:up|to (?:the )?top)\b|\bbottom[ -]up\b", ", lowest first "),
    (r"\b(?:(?:sort|order|rank)(?:ed)? )?desc\.?(?=\W*$| by\b)", "descending"),
    (r"\b(?:(?:sort|order|rank)(?:ed)? )?asc\.?(?=\W*$| by\b)", "ascending"),
    (r"\border by (?=(?:[\w-]+ ){1,3}(?:de|a)scending\b)", ", sorted by "),
    *(rule for end, words in _FIRST.items() for rule in _of_end(end, words)),
    (r"\b(?:ones?|values?|numbers?|figures?) , (highest|lowest|best|worst) first\b", r", \1 first"),
    (r"^\W*(?:(?:please|can you|now|and|then) )*(?:sort|rank|order)(?:ed)?(?: (?:it|them|that|those|these))? "
     r"(?=by (?:the )?\w+(?: \w+)?\W*$)", "and "),
    (r"^(\W*(?:(?:please|can you|could you|now|and|then) )*)(?:(?:sort|rank)|order(?= (?:the|our|all)\b)) "
     r"(?=(?:(?:the|our|all) )*(?!by\b)(?:[\w-]+ ){1,3}by\b)", r"\1show "),
)  # fmt: skip
