"""Ways of people to say something, put into the words of the vocabulary, in a fixed order.

A rewrite says the same in other words. What it leaves is read word by word, so that a word of content that no rule and
no phrase knows is still not understood.
"""

from __future__ import annotations

import re
from itertools import pairwise

from beha2vec_core.semantic.definitions import STEPS

MORE = r"more than|over|above|at least|exceed(?:s|ed|ing)?|greater than|higher than|larger than|bigger than|upwards of"
LESS = r"less than|under|below|at most|up to|fewer than|lower than|smaller than|cheaper than"
PEOPLE = r"users?|customers?|buyers?|visitors?|people|shoppers?"
_THE = r"(?:(?:the|a|an|my|our|their|there|they're|your|any|some|this)\s+)?"
_WAS = r"(?:(?:that|which|is|are|was|were|gets?|got|being|been)\s+)*"
_PROCESS = r"(?:buying|purchase|purchasing|checkout|shopping|order|sales) (?:process|journey|flow|path)"
_GROUND = rf"(?:{_PROCESS}|checkout|funnel|process|shop|store|site|website|journey)"
_STOPS = (
    r"(?:loses?|losing|lost|drop(?:ping|s)?(?:[\s-]+(?:offs?|outs?))?|giv(?:e|es|ing) up|bail\w*|leak\w*|"
    r"abandon\w*|quit\w*|stop\w*|"
    r"fall(?:ing|s)? (?:off|out|away))"
)
_DAY_NAMES = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_WHY = r"^(?=.*\b(?:why|how come|reasons?)\b)"
_BUYING = r"(?:buy|buying|bought|purchas(?:e|ing)|order|ordering|convert|converting)"
_TWO_KINDS = (
    r"\bweekends?\b.*\b(?:weekdays?|week days?|working days?)\b|\b(?:weekdays?|week days?|"
    r"working days?)\b.*\bweekends?\b"
)
_EITHER_KIND = re.compile(
    r"\b(?:on |at |in |than |vs |versus |or |and )*(?:the )?(?:weekends?|weekdays?|week days?|working days?)\b"
)
# what leaves a value out
EXCLUDES = (
    r"\b(?:excluding|excl\.?|except(?: for)?|other than|apart from|aside from|besides|save for|barring|minus|outside(?: of)?|"
    r"with the exception of|(?:if (?:you|we|i) )?(?:leav(?:e|ing) out|omit(?:ting)?|exclud(?:e|ed)|ignor(?:e|ing)|"
    r"disregard(?:ing)?|skip(?:ping)?|filter(?:ing)? out|remov(?:e|ing))|not (?:counting|including)|without|"
    r"but not|not) (?:those |the ones )?(?:from |on |in |via )?(?:the )?"
)
# "same for mobile": the question before, once more
SAME = (
    r"^\W*(?:(?:and|now|ok|okay|then|please|pls|can|could|you|i|we|want|need|do|show|give|see|get|have|me|us)\b\W*)*"
    r"(?:the |that |this )?(?:(?:very |exact(?:ly)? )?same|ditto|again)"
    r"(?! (?:period|time|days?|week|month|year)\b)"
    r"(?: as (?:above|before|previously)\b|(?! as\b))"
    r"(?: (?:that|this|it|thing|again|question|query|numbers?|figures?|data|chart|graph|table|view|one|here))*"
    r"(?: (?:but|just|only|now|please))*\b"
)
DISPLAY = (  # the verb, else the channel
    r"^(\W*(?:(?:please|pls|can|could|you|to|now|and)\s+)*)display(?:ing)?\b"
    r"(?!\W*$| (?:vs|versus|or|and|traffic|channel|visitors|visits|ads|campaigns)\b)"
)
# short and misspelled forms of short words
_SHORT: tuple[tuple[str, str], ...] = (
    (SAME, "and"),
    (DISPLAY, r"\1show"),
    (r"\b(?:product|item) viewers?\b", "those who view a product"),
    (r"\b(?:ppl|folks?|guys|persons|peeps)\b", "people"),
    (r"\b(?:pls|plz|thx)\b", "please"),
    (r"\br\b", "are"),
    (r"\bu\b", "you"),
    (r"\bv\b", "vs"),
    (r"\bshr\b", "share"),
    (r"\b(?:totl|ttl)\b", "total"),
    (r"\b(?:nr|num|no\.)(?= of\b)", "number"),
    (r"\b(?:sinse|scince)\b", "since"),
    (r"\b(?:pct|perc)\b", "percent"),
    (r"\bfeb\w{0,3}uar?y\b", "february"),
    (r"\b(?:yest|ystrday|yesterdy)\b", "yesterday"),
    (r"\s[-\u2013\u2014]\s", " , "),
    (r"\be-?mails?\b", "email"),
    (r"\bw/o\b", "without"),
    (r"\bthere (?=carts?|baskets?)", "their "),
    (r"\b(?:shopping )?(?:basket|trolley)(s?)\b", r"cart\1"),
    (r"\bshopping cart", "cart"),
    (r"\b(to|in|into) (the|their|a) bags?\b", r"\1 \2 cart"),
    (r"n't\b", " not"),
    (r"\b(have|has|had|did|does|do|is|are|was|were)nt\b", r"\1 not"),
    (r"\b(how|when|where)s\b", r"\1 is"),
    (r"\bdiff?e?re?nt\b", "different"),
    # GA4's names of the events of buying
    (r"\b(?:view|select)_item\b", "view item"),
    (r"\badd_to_cart\b", "add to cart"),
    (r"\bbegin_checkout\b", "begin checkout"),
    (r"\badd_(shipping|payment)_info\b", r"\1 info"),
    (r"^\W*is it (?:true|right|correct) that\b", " "),
    (r"\bmore than one\b", "more than 1"),
    (r"\b(with|had|have|has) (?:at least (?:one|1)|any|one or more) (?:orders?|purchases?)\b", r"\1 an order"),
    (r"\bat least (?:one|1)\b(?![.,]\d)", "any"),
)
_SHORT += (
    (r"^(\W*(?:and|now|but|or|then|only|just|what about|how about|show|give|sort|rank|use|make|do)\b.*?)\binstead\b(?! of)", r"\1 "),
    (r"\b(?:but|and|though) (only|just)\b(?= (?:for|on|in|from|with|via|by|of|those|the|[a-z]+(?: [a-z]+){0,2}\W*$))", r"\1"),
    (r"\bbut (?=(?:for|on|in|from|with|via|by|without|excluding|except|this time|now)\b)", " "),
    (r"\b(?:and|but)? ?this time\b", " "),
)
# how often people buy, in the words of limits
_BOUGHT = r"(?:bought|buy|buys|ordered|order|orders|purchased?|purchases|shopped|shop)"
_CAME = r"(?:visited|visit|visits|came|come|comes)"
_OFTEN: tuple[tuple[str, str], ...] = (
    (r"\brepeat (?:purchase|order|buying|customer|buyer) rate\b|\b(?:repurchase|reorder) rate\b",
     "share of buyers who ordered more than once"),
    (r"\b(?:repeat|repeated|repeating) (?:customers?|buyers?|purchasers?|shoppers?)\b", "buyers who ordered more than once"),
    (r"\b(?:one[\s-]?(?:time|off)|single[\s-]?(?:purchase|order|time)) (?:customers?|buyers?|purchasers?|shoppers?)\b",
     "buyers who ordered exactly 1 times"),
    (r"\b(?:come|came|comes|coming|return|returned) (?:back )?(?:to|and|for) (?:buy|bought|order|ordered|purchased?|shop) "
     r"(?:again|(?:a|for a) (?:second|2nd) time|(?:something|anything) (?:else|again))\b", "ordered more than once"),
    (r"\b(?:come|came|comes|coming|return|returned) (?:back )?(?:to|and|for) (?:buy|bought|order|ordered|purchase|purchased|"
     r"a second order|another order)(?! (?:again|more|less|on|in|a third))\b", "ordered more than once"),
    (rf"\b{_BOUGHT} (?:something |anything |from us )?(?:for )?(?:a|the) (?:second|2nd) time\b", "ordered more than once"),
    (rf"\b{_BOUGHT} (?:something |anything |from us )?(?:for )?(?:a|the) (?:third|3rd) time\b", "ordered at least 3 times"),
    (r"\b(?:placed|made|place|make|have|had|with) (?:a second|another|a 2nd) (?:order|purchase)\b", "ordered more than once"),
    (rf"\b{_BOUGHT} (?:something |anything |from us )?(?:repeatedly|(?:several|multiple|many|two or more|2 or more) times|"
     r"twice or more|more often than once)\b", "ordered more than once"),
    (rf"\b(?:only |just |exactly )?({_BOUGHT}) (?:something |anything |from us )?(?:only |just |exactly |precisely )?"
     r"(?:once|one time|1 time|a single time)\b(?! (?:or|a|per|every|in a)\b)", r"ordered exactly 1 times"),
    (rf"\b(?:only |just |exactly )?({_BOUGHT}) (?:something |anything |from us )?(?:only |just |exactly |precisely )?"
     r"twice\b(?! (?:or|as|a|per|every)\b)", r"ordered exactly 2 times"),
    (rf"\b{_BOUGHT} (?:something |anything |from us )?(?:only|just|exactly|precisely) (\d+|two|three|four|five) times\b",
     r"ordered exactly \1 times"),
    (rf"\b({PEOPLE})((?: (?:who|that))?) (?:with|have|has|had|made|placed|make) (?:only|just|exactly|precisely) "
     r"(?:one|1|a single|a) (order|purchase)\b", r"\1 with exactly 1 orders"),
    (rf"\b({PEOPLE})((?: (?:who|that))?) (?:with|have|has|had|made|placed|make) (?:only|just|exactly|precisely) "
     r"(two|three|four|five|\d+) (?:orders|purchases)\b", r"\1 with exactly \3 orders"),
    (
        rf"\b({_CAME})(?: (?:us|back|the (?:site|shop)))* (?:only |just |exactly |precisely )?(once|twice|one time|a single time)\b"
        r"(?! (?:or|a|per|every|as)\b)",
        r"\1 exactly \2 times",
    ),
    (rf"\b({_CAME})(?: us| back)* (?:only|just|exactly|precisely) (\d+|two|three|four|five) times\b", r"\1 exactly \2 times"),
    (r"\bexactly (?:once|one time|a single time) times\b", "exactly 1 times"),
    (r"\bexactly twice times\b", "exactly 2 times"),
    (rf"\b({PEOPLE})((?: (?:who|that))?) (?:with|have|has|had) (?:only|just|exactly|precisely) (?:one|1|a single|a) (session|visit)\b",
     r"\1 with exactly 1 \3s"),
    (r"\bat least once\b", "ever"),
    (r"\b(\d+|two|three|four|five) (?:times|orders|purchases) or more\b|\b(\d+)\+ (?:times|orders|purchases)\b",
     r"at least \1\2 times"),
)
_REWRITES: tuple[tuple[str, str], ...] = (
    # two parts of one question
    (
        r"\bhow many (users|visitors|people)\b(.*?),? and (?:(?:did|do|have) (?:any|some|they)(?: of (?:them|those|these))?|"
        r"how many(?: of (?:them|those|these))?) (?:(?:actually|really|also) )?(?:order(?:ed)?|buy|bought|purchased?|"
        r"convert(?:ed)?|(?:make|made|place|placed) (?:a|an|any) (?:order|purchase))\b",
        r"how many users and buyers \2",
    ),
    (rf"\b(?:(?:on|every|each|all) )*({_DAY_NAMES})s\b|\b(?:every|each|on an?) ({_DAY_NAMES})\b", r" every\1\2 "),
    # people and what they spend
    (
        rf"\b({PEOPLE}|sessions?|visits?) (?:(?:who|that|which) (?:have |had )?)?(?:viewed|visited|saw|seen|opened|"
        r"looked at|view|visit|see)\b(?! (?:(?:a|the|any|some) )?(?:products?|items?)\b)"
        rf"(?! (?:us )?(?:exactly|{MORE}|once|twice|only|again|\d)\b)",
        r"\1 whosaw",
    ),
    (
        rf"\bhow (?:do|does|did|have) ((?:[\w-]+ )*?(?:{PEOPLE}|they)) (?:usually |typically |mostly )?(?:find|found|"
        r"discover|reach|get to|hear about|learn about|arrive at|come to) "
        r"(?:us|(?:our|the|my) (?:site|website|shop|store|page|webshop))\b",
        r"where did \1 come from",
    ),
    (rf"\b(?:highest|top|biggest|most)[\s-]+(?:spending|valuable)\s+({PEOPLE})\b", r"top \1"),
    (rf"\b({PEOPLE}) (?:who|that|which) (?:spend|spent|pay|paid) (?:the )?most\b(?: money)?", r"top \1 by revenue"),
    (rf"\b({PEOPLE}) (?:who|that|which) (?:buy|bought|order(?:ed)?|purchased?) (?:the )?most\b", r"top \1 by orders"),
    (
        r"\bspen(?:d|ds|t|ding)(?: on average)?(?= (?:more |less )?per order\b)",
        "spending",
    ),
    (
        r"\bspending (more|less) per order\b",
        r"\1 spending per order",
    ),
    (
        r"\bspen(?:ds?|t|ding) (?:the )?(more|most|less|least|much)? ?time\b"
        r"(?: on (?:the |our )?(?:site|website|shop|pages?)\b)?",
        r"\1 engagement time",
    ),
    (rf"\b({PEOPLE}|ones) (?:spend|spends|spent|spending)\b", r"\1 , revenue"),
    (rf"\b({PEOPLE}|those|ones) ((?:from|in|on|via|with|who|using|coming)\b.*?) (?:spends?|spent)\b", r"\1 \2 revenue"),
    # of others than us, who buy from us: "did those from instagram spend more than ..."
    (
        r"\b(do|does|did|have|has|which|who|whose)\b(?! (?:we|i|you|us|they)\b)(.*?) (?:spends?|spent)\b"
        r"(?= (?:the )?(?:more|most|less|least)\b(?! per\b))",
        r"\1 \2 revenue",
    ),
    (
        r"\b(?:how much|what (?:part|share)|which (?:part|share)) (?:do|does|did) (.*?) "
        r"(?:contribut(?:e|es|ed) to|plays? in|ha(?:ve|s) (?:in|of))\b",
        r"share of \1 in",
    ),
    (r"\b(?:big|large|small|major|important|significant) (?=(?:part|share|portion) of\b)", ""),
    (rf"\b(more|less) likely to (?={_STOPS}|leave\b)", r"\1 "),
    (
        r"(?:\b(?:with|where|that|who|of|on|to|end(?:s|ed)?|bounc(?:e|es|ed)|have|has|had|having|leav(?:e|es|ing)|left|after|viewed|view(?:s|ing)?|saw|sees?|seeing|"
        r"visit(?:s|ed|ing)?|look(?:s|ed|ing)? at|open(?:s|ed|ing)?|load(?:s|ed|ing)?)\s+)*"
        r"(?:\b(?:only|just|exactly|merely|an?)\s+)*(?<!than )(?<!least )(?<!at most )(?<!over )"
        r"\b(?:one|1|single)[\s-](?:page[\s-]?views?|pages?)\b(?! (?:types?|per)\b)"
        r"(?: (?:was|were|is|are) (?:viewed|seen|opened|visited|loaded))?",
        " singlepage",
    ),
    (r"\b(new|returning) (customer|buyer|shopper)(s?)\b", r"\1 one , buyer\3"),
    (
        r"\b(?:how much|what)(?: money)? (?:did|do|have|has) (?:we|the shop|the store) (?:make|made|take in|took in|"
        r"taken in|take|earn(?:ed)?|bring in|turn over)\b",
        "revenue",
    ),
    (r"\bwho (?:refers|referred|sends|sent)\b", "which source brings"),
    (r"\b(?:buy|order|purchase)s? (more|less) (?:often|frequently)\b", r"converting \1"),
    (rf"^(?=.*\b(?:hour|time|day|weekday|week|month)s?\b)(.*?)\b(?:{PEOPLE}) shop\b", r"\1 orders"),
    (
        r"\bhow many pages (?:does|do|did) (?:an? |the |our )?(?:average |typical )?(session|visit)s? "
        r"(?:have|has|view|contain)\b",
        r"pages per \1",
    ),
    (r"\b((?:bounce|engagement|conversion) rate) per (?:session|visit)\b", r"\1"),
    (r"\bview(?:s|ed)? any (?:product|item)s?\b", "view a product"),
    (r"\bwhere (?:is|are|was|were|do|does|did)\b(?=.*\b(?:higher|lower|better|worse)\b)", "which"),
    # buying, and not buying
    (
        r"^(\W*)what (do|does|did|are|have|has)\b(?!.*\b(?:before|after|do)\b)(.*?)\b"
        r"(buy|buying|bought|purchased?|purchasing|order|ordered|ordering)\b",
        r"\1which items \2 \3 \4",
    ),
    (
        rf"\b({PEOPLE})((?: (?:who|that|which))?(?: (?:ever|actually|really|have|has|had|did|do|will))*) "
        r"(?:(?:ma[dk]e|making|makes|plac(?:e|es|ed|ing)|complet(?:e|es|ed|ing)) (?:a|an|any|one)(?: first)? "
        rf"(?:purchase|order)s?(?! (?:{LESS}|{MORE})\b)|(?:purchase|purchasing|order|ordering)"
        r"(?! (?:values?|sizes?|counts?|numbers?|rates?|by|per)\b))\b",
        r"\1\2 bought",
    ),
    (
        rf"\b({PEOPLE})((?: (?:who|that|which))?) (?:with|had|have|has) an? (?:order|purchase)\b(?! (?:{LESS}|"
        rf"{MORE})\b)",
        r"\1\2 bought",
    ),
    (
        rf"{_WHY}(.*?)\b(?:do|does|did|have) not\b(.*?)\b(?:finish|complet|go through with)(?:e|es|ed|ing)?\s+{_THE}"
        r"(?:checkouts?|orders?|purchases?)\b",
        r"\1 checkout abandonment \2",
    ),
    (rf"{_WHY}(.*?)\b(?:do|does|did|are|is|were|was) not (.*?)\b{_BUYING}\b", r"\1 low \2 buying"),
    (rf"{_WHY}(.*?)\b(?:hardly|barely|scarcely|almost)(?: any| no)\b", r"\1 low "),
    (rf"{_WHY}(.*?)\b(?:not|never|hardly(?: ever)?|rarely|barely) {_BUYING}\b", r"\1 low buying "),
    (
        rf"{_WHY}(.*?)\b(?:not|never|hardly|barely|scarcely) (?:sell|sells|selling|sold|work|works|working|perform|"
        r"performs|performing|deliver|delivers|delivering)\b(?: (?:anything|well|much|at all))?",
        r"\1 low buying ",
    ),
    (rf"{_WHY}(.*?)\b(?:so|this|that|too) (?:well|good|strong|successful|popular|big)\b", r"\1 high "),
    (rf"{_WHY}(.*?)\b(?:so|this|that|too) (?:bad|badly|poor|poorly|weak|small)\b", r"\1 low "),
    (
        rf"{_WHY}(.*?)\b(?:{PEOPLE}) (?:leav(?:e|es|ing)|left|exit(?:s|ing)?|go(?:ing)? away|quit(?:s|ting)?) "
        r"(?:the (?:site|shop|store|website) )?(?:from|on|at|after) (?:the |our )?(?=[\w.-]+ (?:page|step)s?\b)",
        r"\1 exit rate on ",
    ),
    (rf"{_WHY}(.*?)\b(?:so|too|very|that) (?:few|little|rarely|seldom)\b", r"\1 low "),
    (rf"{_WHY}(.*?)\b(?:so|that|too) (?:many|often)\b", r"\1 high "),
    # carts, checkout and the steps between
    (
        r"\b(?:do |does |did |are |is |were |was |have |has )?(?:not|never|fail(?:s|ed|ing)? to) "
        rf"(?:finish|complet|go through with)(?:e|es|ed|ing)?\s+{_THE}(?:checkouts?|orders?|purchases?)\b",
        " checkout abandonment ",
    ),
    (rf"^(.*?)\b(?:in|at|of|during|through) {_THE}{_PROCESS}\b", r"\1 in the funnel"),
    (
        r"\b(?:biggest|largest|main|worst|highest|most) (?:leaks?|leakage|drop[\s-]*offs?|drop[\s-]*outs?)\b"
        r"(?: (?:in|of|at) (?:the |our )?(?:\w+ )?funnel)?",
        "funnel",
    ),
    (rf"\b(cart|checkout)s?\s+{_WAS}(?:abandoned|left behind)\b", r"\1 abandonment"),
    (r"\b(cart|checkout)s?\s+(?:drop(?:ping|s)?[\s-]+(?:offs?|outs?)|loss(?:es)?)(?: rate)?\b", r"\1 abandonment"),
    (rf"\babandon(?:s|ed|ing)?\s+{_THE}(cart|checkout)s?\b", r"\1 abandonment"),
    (rf"\babandonment(?: rate)? (?:at|in|during|of) {_THE}(checkout|cart)s?\b", r"\1 abandonment"),
    (
        rf"^(?=.*\b(?:(?:more|less|better|worse)\b.*\bthan|vs|versus|compared|or|higher|lower)\b)(.*?)\b"
        rf"(?:{_STOPS}|leav(?:e|es|ing)) (?:out )?(?:of |at |in |during |from )?{_THE}(checkout|cart)s?\b",
        r"\1 \2 abandonment",
    ),
    (rf"\bcheckouts?\s+{_WAS}(?:completed|finished)\b", "checkout to order rate"),
    (rf"\b(?:finish|complet)(?:e|es|ed|ing)?\s+{_THE}checkouts?\b", "checkout to order rate"),
    (
        rf"^(?=.*(?:\bpercent|%|\bshare|\bhow many|\bproportion))(.*?){_STOPS} (?:at|in|during|from) {_THE}checkout\b",
        r"\1 checkout abandonment",
    ),
    (
        rf"^(?=.*\b(?:worst|weakest|leakiest|{_STOPS})\b)(.*?)"
        r"\b(?:where|(?:at |in )?(?:which|what) (?:step|stage|point|part)s?)\b"
        rf"(.*?)\b(?:of|in|at|during|through) {_THE}checkout(?: process| funnel)?\b(?! page)",
        r"\1 checkoutfunnel \2 ",
    ),
    (rf"^(?=.*\bcheckoutfunnel\b)(.*)\b(?:worst|weakest|leakiest|{_STOPS})\b", r"\1 "),
    (r"\bcheckoutfunnel\b", "funnel steps3to6"),
    (rf"\b(?:where|(?:at |in )?(?:which|what) (?:step|stage|point|part)s?)\b(.*?)\b{_STOPS}\b", r"funnel \1"),
    (rf"\b(?:which|what) (?:step|stage)s?\b(?: of {_THE}{_GROUND})?(.*?)\b(?:worst|weakest|leakiest)\b", r"funnel \1"),
    (rf"^(?=.*\bfunnel\b)(.*?)\b(?:in|at|of|during|through) {_THE}{_GROUND}\b(?! funnel)", r"\1 "),
    (
        r"^(?=.*\bfunnel\b)(.*?)\bon (?:the|their|its) (?:way|path|road|journey) (?:to|towards) (?:(?:an?|the|our|their) )?"
        r"(?:orders?|purchas(?:e|ing)|buy(?:ing)?|sales?|conversions?)\b",
        r"\1 ",
    ),
    (
        r"^(?!.*\b(?:rate|abandonment|funnel|share|percent)\b)(.*)\b(?:in|at|during|"
        rf"through) {_THE}checkout(?: process)?\b",
        r"\1 , funnel",
    ),
    (
        r"\b(?:end|result)(?:s|ed|ing)? (?:up )?(?:in|with) (?:a |an )?(?:purchase|order|sale|conversion)s?\b",
        "converted",
    ),
    (r"\b(more|less) likely to (?:buy|purchase|order|convert)\b", r"converting \1"),
    # order
    (r"\b(?:in|by) (?:the )?order of\b", "sorted by"),
    # shares
    (
        r"\bhow (?:big|large|important) (?:is|are|was|were) ((?!the\b|our\b)[\w-]+(?: [\w-]+){0,2}?) "
        r"(?:in|for|of) (?=(?:our|the|all|total)\b)",
        r"share of \1 in ",
    ),
    (
        r"\bhow (?:big|large|high) (?:(?:is|are|was|were|a|an|the)\s+)+",
        "what is ",
    ),
    (
        r"\bmost of (?:our|the|all)\b",
        "share of",
    ),
    (
        r"^(?=.*\b(?:share|percent\w*|part|portion|proportion|fraction|%))(.*)\b(?:vs|versus|of|against|"
        r"to) (?:the )?(?:total|overall|whole)(?=\s*(?:$|[?.,]|in\b|\u00a7))",
        r"\1 ",
    ),
    # time
    (r"\b(?:over|throughout|through|across|during|in|of|for) the (?:whole |entire |full )?year\s+(?=\u00a7)", " "),
    (
        r"\b(?:over|throughout|through|across|during) (?:the course of )?the (?:whole |entire |full )?year\b"
        r"(?!\s*(?:\u00a7|20\d\d))",
        "over time by month",
    ),
    (r"\b(?:over|throughout|through|across) the (?:whole |entire )?(day|week|month)s\b", r"over time by \1"),
    (_TWO_KINDS, ""),
    (r"\b(?:on|at|over) (?:the )?weekends?\b", "weekend"),
    (r"\b(?:at )?(?:what|which) (?:time|hour)s?(?: of (?:the )?day)?\b", "which hour"),
    (
        r"\b(which (?:hour|weekday|day)\b.*?)\b(?:start|begin|happen|occur|arrive|take place|come in)(?:s|ed|ing)?\b(?! on)",
        r"\1 ",
    ),
    (r"\b(?:which|what) (?:things|stuff)\b", "which items"),
    (
        r"\bwhen (?:was|were|is|are|did|do|does|have|has)\b(?=.*\b(?:best|worst|most|fewest|least|highest|lowest|"
        r"busiest)"
        r"\b)(?!.*\b(?:day|week|month|hour|quarter)s?\b)",
        "which day",
    ),
    (
        r"\bwhen (?:was|were|is|are|did|do|does)\b(?=.*\b(?:best|worst|most|fewest|least|highest|lowest|busiest)\b)",
        "which",
    ),
    (
        r"\bhow (?:has|have|had|is|are|was|were)\b(.*?)\b(?:been )?(?:doing|going|performing|looking|coming along)\b",
        r"trend \1",
    ),
    (r"\bwhen (?:did|do|does|was|were|is) (.*?)\bpeak(?:ed|ing|s)?\b", r"which day highest \1"),
    (
        r"\b(?:which|what) (day|week|month|hour|weekday) (?:did|do|does|was|were|is) (.*?)\b(?:peak|top out|culminate)(?:ed|ing|s)?\b",
        r"which \1 highest \2",
    ),
    (
        r"\b(?:which|what) (day|week|month|hour|weekday) (?:did|do|does|was|were|is) (.*?)\b(?:bottom out|hit (?:the )?bottom)\b",
        r"which \1 lowest \2",
    ),
    (r"\b(?:the |our )?(?:peak|high point|record) (?:in|of)\b", "which day highest"),
    (r"\b(?:beat|beats|outperform(?:s|ed)?|exceed(?:s|ed)?|surpass(?:es|ed)?)\b(?! \d)", "compared with"),
    # what a group is compared with, and what is left out
    (
        r"\b(?:vs\.?|versus|against|compared (?:to|with)|than|and|from|with|to) (?:the (?:[\w-]+ ){1,3}?of |that of |"
        r"those of |on |in |from |for )?(?:all |of all )?(?:the )?(?:rest|others?|everyone|everybody|everything|everywhere|"
        r"elsewhere|"
        r"all)(?: else)?(?: (?:of )?(?!(?:and|in|on|by|for|last|this|since|conversions?|revenue|sales|orders|aov|"
        r"bounce|engagement|sessions)\b)[\w-]+(?: pages?)?)?(?=\s*(?:$|"
        r"[?.,;]|in\b|"
        r"on\b|for\b|last\b|this\b|by\b|conversions?\b|revenue\b|sales\b|orders\b|aov\b|bounce\b|\u00a7))",
        " allothers ",
    ),
    (r"\b(?:everything|everywhere|everyone|anything|all) (?:but|except)\b", "without"),
    (EXCLUDES, "without "),
    # causes: where a change comes from is known
    (r"\bwhat happened (?:to|with)\b", " askswhy happened "),
    (r"\bwhat (?:has |have )?changed (?:in|with|about|for)\b", " askswhy change "),
    (r"\b(come back|return) within (?:a|one|1|the first) week\b|\b(come back|return) within 7 days\b", r"\1\2"),
    (
        r"\b(?:what|which)? ?(?:is|are|'s|s)? ?(?:the )?(?:reasons?|causes?|explanations?) (?:for|of|behind|that)\b",
        " askswhy ",
    ),
    (
        r"\bwhat(?: is|s)? (?:behind|driving|causing)\b|\bwhat (?:caused|explains?|"
        r"explained|drove|made|makes|pushed|contributed(?: the)?(?: most)? to)\b",
        " askswhy ",
    ),
    (
        r"\bwhy\b|\bhow come\b|\bexplain\b|\b(?:is |are |was |were )?responsible(?: for)?\b|\b(?:caused?|contribut(?:e|es|"
        r"ed)(?: the)?(?: most)? to|explains?|explained)\b",
        " askswhy ",
    ),
    (
        r"\b(?:drove|drives?|driving|pushed) (?=(?:the |our |this )?(?:change|drop|increase|decrease|decline|"
        r"growth|rise|"
        r"fall)\b)",
        "askswhy ",
    ),
    (
        r"\bbreak down (?=the (?:change|drop|increase|decline|growth|rise|fall)\b)|\bwhere (?:does|"
        r"did) (?=.*\b(?:change|"
        r"drop|increase|decline|growth|rise|fall)\b.*\bcomes? from\b)",
        " askswhy ",
    ),
)
_COUNTED = [(re.compile(pattern), new) for pattern, new in _OFTEN]
_SPELLED = [(re.compile(pattern), new) for pattern, new in _SHORT]
_COMPILED = [(re.compile(pattern), new) for pattern, new in _REWRITES]
_STEP_WORDS = {
    1: (
        rf"(?:view|see|saw|seen|visit|look(?:ed|ing)? at|open)(?:s|ed|ing|er)?\s+{_THE}(?:products?|"
        r"items?)(?: pages?)?|product (?:pages?|views?|details?)|view(?:ed|s)?(?= (?:to|but|and never|and not)\b)|"
        r"(?<=between )views?(?= and\b)"
    ),
    2: (
        r"(?:add|put)(?:s|ed|ing)?\s+(?:(?:something|anything|items?|products?|things?|stuff|it|them|"
        rf"one)\s+)?(?:to|in|into)\s+{_THE}carts?|carts?"
    ),
    3: (
        rf"(?:start|begin|began|begun|enter|reach|initiate|get to|go to)(?:s|ed|d|ning|ing)?\s+{_THE}checkouts?|"
        r"checkouts?"
    ),
    4: r"shipping(?: (?:step|info\w*|details?|page))?",
    5: r"payment(?: (?:step|info\w*|details?|page))?",
    6: (
        r"(?:end(?:s|ed)? up\s+)?(?:check(?:s|ed|ing)? out|"
        r"buy(?:s|ing)?|bought|purchas(?:e|es|ed|ing)|orders?|ordered|pay|"
        r"convert(?:s|"
        r"ed)?|complete|finish(?:es|ed)?)"
    ),
}
_ANY_STEP = re.compile(rf"\b(?:{'|'.join(f'(?P<s{n}>{words})' for n, words in _STEP_WORDS.items())})\b")
_APART = re.compile(r"\b(?:vs|versus|or|not|no|without|never|before|by|than|but|abandonment|rate)\b|[;]")
_THOSE = re.compile(
    r"\b(?:who|that|which|those|of all|between|from|once|after|make it|get|drop[\s-]*offs?|conversion|continue|go)\b"
)


def spelled_out(text: str) -> str:
    """The text, in small letters, with short words in full."""
    for pattern, new in (*_SPELLED, *_COUNTED):
        text = pattern.sub(new, text)
    return text


def in_known_words(text: str) -> str:
    """The text, in small letters, in words that the vocabulary knows better."""
    text = _as_funnel(text) or _as_drop_off(text) or _as_step_rate(text)
    for pattern, new in _COMPILED:
        if pattern.pattern == _TWO_KINDS:
            if pattern.search(text):
                text = re.sub(r"\bper day\b", " ", text)
                text = re.sub(r"\bwhen\b", " ", f"{_EITHER_KIND.sub(' ', text)} by weekend or weekday")
            continue
        text = pattern.sub(new, text)
    return _ADD_TO_CART.sub("add to cart", text)


def steps_of(first: int, last: int) -> str:
    """The word for a part of the funnel; none for all of it."""
    return "" if (first, last) == (min(STEPS), max(STEPS)) else f"steps{first}to{last}"


def _steps_in(text: str) -> list[tuple[int, re.Match[str]]]:
    return [(int(str(found.lastgroup)[1:]), found) for found in _ANY_STEP.finditer(text)]


def _as_funnel(text: str) -> str | None:
    """A funnel whose steps are named, from the first to the last of them; None where it is none."""
    if not _FUNNEL.search(text):
        return None
    every = _steps_in(text)
    found = [
        one for one in every if not re.match(r"\s+funnel", text[one[1].end() :])
    ]  # purchase funnel from ... to ...
    found = found if len(found) > 1 else every
    steps = [step for step, _ in found]
    if len(found) > 1 and steps == sorted(set(steps)):
        betweens = [text[one.end() : other.start()] for (_, one), (_, other) in pairwise(found)]
        if all(map(_TOWARDS.fullmatch, betweens)):
            begin, end = found[0][1].start(), found[-1][1].end()
            before = re.sub(r"\b(?:from|between|of|for|with)\s+(?:the\s+)?$", " ", text[:begin])
            return f"{before} {steps_of(steps[0], steps[-1])} {text[end:]}"
    for step, one in found[:1] if len(found) == 1 else []:
        before, after = text[: one.start()], text[one.end() :]
        if began := re.search(
            r"\b(?:from|after|(?:start|begin)(?:s|ing|ning)? (?:at|from|with|in))\s+(?:the\s+)?$", before
        ):
            after = re.sub(r"^\s*(?:step )?(?:on(?:wards?)?|forward|downwards?)\b", " ", after)
            return f"{before[: began.start()]} {steps_of(step, max(STEPS))} {after}"
        if ended := re.search(r"\b(?:up to|until|till|down to|to|into|ending (?:at|with|in))\s+(?:the\s+)?$", before):
            is_begun = re.search(r"\b(?:from|between)\b", before)  # by what is no step
            return None if is_begun else f"{before[: ended.start()]} {steps_of(min(STEPS), step)} {after}"
        if re.match(r"\s+(?:funnel|steps?|part)\b", after) or re.search(
            r"\bfunnel (?:of|for|in|at) (?:the )?$", before
        ):
            return f"{before} {steps_of(step if step < max(STEPS) else min(STEPS), max(STEPS))} {after}"
    return None


def _as_drop_off(text: str) -> str | None:
    """The sessions that end between two steps; None where they are not asked for."""
    found = _steps_in(text)
    if len(found) != 2 or not found[0][0] < found[1][0]:
        return None
    (first, one), (last, other) = found
    before, between, after = text[: one.start()], text[one.end() : other.start()], text[other.end() :]
    lost = _LOST.search(before) or _LOST.search(after)
    if lost and (asked := _WHERE.search(before)):
        around = _LOST.sub(" ", f"{before[: asked.start()]} {before[asked.end() :]} , {after}", count=1)
        around = _BETWEEN_STEPS.sub(" ", around)
        return f"funnel {steps_of(first, last)} {around}"
    is_list = re.fullmatch(r"\s*and\s*", between) is not None and not re.search(r"\bbetween\b", before)
    if not lost or is_list or not _TOWARDS.fullmatch(between):
        return None
    before, after = (_LOST.sub(" ", part, count=1) for part in (before, after))
    before = _BETWEEN_STEPS.sub(" ", before)
    before = _SUBJECT.sub(" ", re.sub(r"\b(?:do|did|are|have) we\s*$", " ", before))
    return f"{before} {STEPS[first][0]} drop {STEPS[last][0]} {re.sub(r'^ (?:rate|step)s?', '', after)}"


def _as_step_rate(text: str) -> str:
    """Two steps of buying, the later one asked of those with the earlier one: "who add to cart, how many buy".

    More steps, one after the other, are the funnel; with "never" or "but not" between two, those are meant that ended.
    """
    text = _BUT_STOPS.sub("but did not buy", text)
    found = _steps_in(text)
    steps = [step for step, _ in found]
    betweens = [text[one.end() : other.start()] for (_, one), (_, other) in pairwise(found)]
    if len(found) > 2 and steps == sorted(set(steps)) and all(map(_THEN.fullmatch, betweens)):
        return f"{text[: found[0][1].start()]} funnel {steps_of(steps[0], steps[-1])} {text[found[-1][1].end() :]}"
    if len(found) == 2 and found[0][0] < found[1][0]:
        (first, one), (last, other) = found
        between = text[one.end() : other.start()]
        beside = _BESIDE.fullmatch(between)
        if not _APART.search(between) and (beside or _THOSE.search(text[: other.start()])):
            rate = f"{STEPS[first][0]} to {STEPS[last][0]} rate"
            rest = " " if beside else _FROM_TO.sub(" ", between)
            before = re.sub(r"\b(?:drop[\s-]*offs?|conversion(?: rate)?|between|from)\b", " ", text[: one.start()])
            return f"{before} {rate} {rest} {re.sub(r'^ (?:rate|step)s?', '', text[other.end() :])}"
        if _WITHOUT.search(between):
            before = _SUBJECT.sub(" ", text[: one.start()])
            return f"{before} {STEPS[first][0]} without {STEPS[last][0]} {text[other.end() :]}"
    return text


_FUNNEL = re.compile(r"\bfunnels?\b")
_TOWARDS = re.compile(
    r"(?:\s|->|=>|[-\u2013\u2192>,:]|\b(?:and|then|to|into|until|till|up|through|all|way|via|over|the)\b)+"
)
_LOST = re.compile(
    rf"\b(?:{_STOPS}(?: (?:rate|share|percentage))?|dropped(?: (?:off|out))?(?= (?:from|between))|"
    r"losses|loss(?: rate)?|abandonment(?: rate)?|attrition|"
    r"leav(?:e|es|ing)|disappear\w*|churn|"
    r"(?:do|does|did) not (?:continue|proceed|go(?: on)?|move(?: on)?|make it|get|advance|progress))\b"
)
_WHERE = re.compile(r"\b(?:where|(?:at |in |after )?(?:which|what) (?:step|stage|point|part)s?)\b")
_BETWEEN_STEPS = re.compile(r"\b(?:from|between|of|on the way)\s+(?:the\s+)?(?=,?$|, )")
_SUBJECT = re.compile(
    rf"\b(?:the )?(?:{PEOPLE}|sessions?|visits?)(?: (?:who|that|which))?(?: (?:with|had|have))?(?: (?:a|an|the))?\s*$"
)
_BUT_STOPS = re.compile(rf"\bbut (?:then |they |later )*{_STOPS}(?: (?:it|there|again|then))?\b")
_THEN = re.compile(r"\s*(?:->|=>|\u2192|>|,|to|then|and|\s)+\s*(?:the )?")
_WITHOUT = re.compile(
    r"^\W*(?:but|and|who|that|\s)*\s*(?:did|do|does|have|has|were|was)?\s*(?:not|never|no|without)\b(?:\W+\w+){0,2}\W*$"
)
_BESIDE = re.compile(
    r"\s*(?:,\s*)?(?:->|to|(?:turn(?:s|ed)? |convert(?:s|ed)? )?into|become|became|lead to|led to|and then|"
    r"and)\s+(?:the )?"
)
_FROM_TO = re.compile(r"\b(?:to|into|and|then|reach(?:es)?|get|actually|really|end up|go on|continue)\b")
_ADD_TO_CART = re.compile(
    rf"\b(?:(?:something|anything|items?|products?|things?)\s+)?(?:add|put)(?:s|ed|ing)?\s+"
    rf"(?:(?:something|anything|items?|products?|things?|stuff)\s+)?(?:to|in|into)\s+{_THE}carts?\b|"
    r"\badd[\s-]to[\s-]carts?\b"
)
