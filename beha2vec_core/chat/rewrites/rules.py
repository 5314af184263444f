"""Ways of people to say something, put into the words of the vocabulary, in a fixed order.

A rewrite says the same in other words. What it leaves is read word by word, so that a word of content that no rule and
no phrase knows is still not understood.
"""

from __future__ import annotations

import re
from functools import cache

from beha2vec_core.chat.days.named_days import DAY, MONTH
from beha2vec_core.chat.days.named_days import MONTH_NAMES as _MONTHS
from beha2vec_core.chat.rewrites.buying_steps import ADD_TO_CART, STOPS, THE, as_step_time, in_steps
from beha2vec_core.chat.rewrites.days_between_orders import in_gaps
from beha2vec_core.chat.rewrites.first_touch import in_first_touch
from beha2vec_core.chat.rewrites.paraphrases import MAJORITY, PARAPHRASES
from beha2vec_core.chat.rewrites.percent import without_percent
from beha2vec_core.chat.rewrites.substitute import rewritten
from beha2vec_core.chat.rewrites.whole_questions import MEASURE
from beha2vec_core.chat.words.spelling import english_words
from beha2vec_core.chat.words.verbs import PEOPLE

MORE = r"more than|over|above|at least|exceed(?:s|ed|ing)?|greater than|higher than|larger than|bigger than|upwards of"
LESS = r"less than|under|below|at most|up to|fewer than|lower than|smaller than|cheaper than"
_WAS = r"(?:(?:that|which|is|are|was|were|gets?|got|being|been)\s+)*"
_PROCESS = r"(?:buying|purchase|purchasing|checkout|shopping|order|sales) (?:process|journey|flow|path)"
_GROUND = rf"(?:{_PROCESS}|checkout|funnel|process|shop|store|site|website|journey)"
_DAY_NAMES = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_WHY = r"^(?=.*\b(?:why|how come|reasons?)\b)"
_BUYING = r"(?:buy|buying|bought|purchas(?:e|ing)|order|ordering|convert|converting)"
_GO = (
    r"(?:leav(?:e|es|ing)|left|go(?:es|ing)? away|disappear\w*|vanish\w*|run(?:ning)? away|walk(?:ing)? away|"
    r"exit(?:s|ing)?)"
)
_VERSUS = r"(?:and|or|vs\.?|versus|against|compared (?:to|with))"
_MOST = r"(?:most|(?:the|a) (?:\w+ )?majority|the (?:largest|bigger|biggest|greater|main) part|the bulk)"
_NON_BUYERS = r"non[\s-]?(?:buyers?|customers?|purchasers?)"
_WORKDAYS = r"(?:weekdays?|week days?|working days?|(?:during|in|within) the week)"
_TWO_KINDS = rf"\bweekends?\b.*\b{_WORKDAYS}\b|\b{_WORKDAYS}\b.*\bweekends?\b"
_EITHER_KIND = re.compile(rf"\b(?:on |at |in |than |vs |versus |or |and )*(?:the )?(?:weekends?|{_WORKDAYS})\b")
# what leaves a value out
EXCLUDES = (
    r"\b(?:excluding|excl\.?|except(?: for)?|other than|apart from|aside from|besides|save for|barring|minus|"
    r"outside(?: of)?|with the exception of|(?:if (?:you|we|i) )?(?:leav(?:e|ing) out|omit(?:ting)?|exclud(?:e|ed)|"
    r"ignor(?:e|ing)|disregard(?:ing)?|skip(?:ping)?|filter(?:ing)? out|remov(?:e|ing))|(?:not|without) (?:counting|"
    r"including)|without|but not|not) (?:those |the ones )?(?:from |on |in |via )?(?:the )?"
)
_SECOND = r"(?:(?:for )?the second time|second|(?:in|on|with|for) (?:their|the|a) second (?:order|purchase))"
_CUSTOMER = r"(?:customer|buyer|shopper)(?:s'?|'s)?"
_FIRST_TIME, _REPEAT = r"(?:new|first[\s-]time)", r"(?:returning|repeat|existing|regular)"
_BESIDE = rf"(?: {_CUSTOMER})? (?:and|or|vs\.?|versus|against|compared (?:to|with))"
_MORE_THAN = r"( (?!use[sd]? |using )[^?]*?\bthan)"  # how often they use something is no number of orders
_KINDS_OF_CUSTOMERS: tuple[tuple[str, str], ...] = (
    (rf"\brevenue per {_CUSTOMER} ({_FIRST_TIME}|{_REPEAT})\s+(?=(?:compared|than)\b)",
     r"revenue per customer of \1 customer "),
    # by their orders where one of them is said to have its first or a repeated one, else by their sessions
    *(
        (rf"\b{one}(?: {_CUSTOMER})?{how} (?:(?:the|an?|those|of) )*{other} ({_CUSTOMER}|ones?)(?!\w)", said)
        for one, other, first, second in (
            (r"first[\s-]time", _REPEAT, "firstorder", "laterorder"), ("new", "repeat", "firstorder", "laterorder"),
            (_REPEAT, r"first[\s-]time", "laterorder", "firstorder"), ("repeat", "new", "laterorder", "firstorder"),
        )
        for how, said in ((_BESIDE, rf"{first} vs {second} \1"), (_MORE_THAN, rf"{first}\1 {second}"))
    ),
    (rf"\breturning{_BESIDE} (?:(?:the|an?|those|of) )*new ((?:{PEOPLE})(?:'s|')?|ones?)(?!\w)",
     r"new vs returning \1"),
)  # fmt: skip
# short and misspelled forms of short words
_SHORT: tuple[tuple[str, str], ...] = (
    (r"\b(?:do you have |is there |are there )?(?:any|a|the|some|your|what is the) (?:reasons?|ideas?|explanations?|"
     r"clues?|guess) (?:why|how come|for why)\b", "why"),
    (r"\b(?:in|for) the (?:whole|entire|full|complete) year\b(?!\s*(?:20\d\d|of))", " "),
    (r"\b(?:since|from) (?:when )?(?:the |our |your )?(?:data|records?|tracking|measurements?) (?:starts?|began|"
     r"begins?|started)\b|\b(?:that |which )?(?:we|you|i) have (?:the )?data (?:for|of|on|about)\b|\bthe (?:months|"
     r"weeks|days) of (?=20\d\d\b)", " "),
    (r"\b(?:in|over|during|within|for|of) (?:(?:these|those|all|the|our|your|whole|full|complete) )+(?:twelve|12) "
     r"months\b", " "),
    (r"\bhow (?:dependent|reliant) (?:are|is) (?:we|(?:the |our )?(?:shop|site|store|business|company)) (?:up)?on\b",
     "share of revenue from"),
    (r"\b(?:by|in) (?:value|money)\b|\bby (?:(?:their|total|overall) )*spend(?:ing)?\b", "by revenue"),
    (r"(?<!\S)#\s?(?:of )?(?=[a-z])", "number of "),
    (rf"\b(reach(?:e[sd])?|(?:go|goes|went|gets?|got|made it) to) ({THE}(?:carts?|checkouts?|payment)),? (and|but|yet) "
     rf"(?:not|never) (?={THE}(?:carts?|checkouts?|payment|shipping|orders?|purchases?)\b)",
     r"\1 \2 \3 did not reach "),
    (rf"\b({PEOPLE}|sessions?|visits?) with (?:a|an|any|some) (?:site |internal )?search(?:es)? "
     r"(?=(?:that|which|who)\b)", r"\1 who used the search "),
    (r"\bpaid (?:ads|adverts?|adverti[sz]ing|advertisements)\b", "paid"),
    (r"\b(?:on|along) (?:the|their|its) (?:way|path|road|journey) (?=from\b)", ""),
    *_KINDS_OF_CUSTOMERS,
    (r",? with (?:the )?drop[\s-]?offs? (?:at|after|for|in|per) (?:every|each|all) (?:single )?(?:step|stage)s?\b", ""),
    (r"\bhow many (?:items|products|pieces) (?:does|do) (?:an?|the|our) (?:average |typical )?(?:order|basket|purchase)"
     r"s? (?:contain|have|include|hold)s?\b", "items per order"),
    (r"\bshipping (?:costs?|fees?) per order\b", "shipping per order"),
    (rf"\bnew (?:{PEOPLE}|ones) (and|or|vs\.?|versus|than|against) (?:the )?(?:returning|repeat) (?:{PEOPLE}|ones)\b",
     r"new one \1 returning one"),
    (r"(?<!\bi )(?<!\bam )(?<!\bwe )(?<!\bi'm )\b(?:(?:are|is|was|were|mainly|mostly|most|really|very) )+(?:interested "
     r"in|into|keen on|fond of)\b", "viewed"),
    (r"\bsteps? (?=(?:from|between) (?:the )?\w+ (?:to|and) )", "rate "),
    (r"^(?!.*\b(?:which|who|whose|where|by|per|share|percent\w*|how much of)\b)(.*?)\b(biggest|largest|highest|"
     r"smallest|lowest|most expensive|cheapest|top(?= \d))((?: \d+)?)(?: (?:single|individual|ever))* (?:orders?|"
     r"purchases?|transactions?)\b(?! (?:values?|rates?|numbers?|counts?|volumes?|sizes?|by|per|of)\b)(?: ever)?",
     r"\1\2\3 singleorder by revenue"),
    (r"\bmost expensive(?= (?:\d+ )?singleorder)", "highest"), (r"\bcheapest(?= (?:\d+ )?singleorder)", "lowest"),
    (r"\b(?:the )?(?:conversion )?rates? (?:from|between) (?:the |a )?"
     r"(view|product|cart|checkout|payment|shipping|session|visit)s? (?:to|and|until) (?:the |an? )?(\w+)\b",
     r"\1 to \2 rate"),
    (r"\b(?:be |are |is |get |gets |were |was )?(?:spread|distributed|split|divided?|shared out)(?: (?:out|up))? "
     r"(?:over|across|among|between|by) (?:the |our |all )*(?=\w)",
     "split by "),
    (r"(?<!let's )(?<!let us )(?<!\bto )(?<!\bi )(?<!\bwe )\blook(s|ed|ing)? at\b(?! (?:(?:an?|any|the|some|our) "
     r")*(?:products?|items?)\b)(?! (?:(?:the|more|most|less|fewer) )*pages? per\b)", r"view\1"),
    (r"\binterest (?:in|for)\b", "views of"), (r"\bdemand (?:for|of)\b", "items sold of"),
    (rf"\bwhen (?:they|{PEOPLE}|you|someone|one) (?:first )?(?:land|arrive|start|enter|come in)s?\b", "landing"),
    (rf"\b({PEOPLE}|sessions?|visits?) (?:(?:do|did|have) (?:we|you|i)(?: (?:have|get|got|see))?|(?:are|were) there) "
     r"(?=(?:who|that|which|with|without)\b)", r"\1 "),
    (r"(?<!carts )(?<!checkouts )\b(?:end(?:s|ed|ing)?(?: up)?|left|leaves?|leaving|go(?:es)?|went|finish(?:es|ed)?)"
     r"(?: (?:again|away|(?:the |our )?(?:site|shop|store)))? without (?:(?:an?|any|a single|ever|actually|placing|"
     r"making|completing) )*(?:orders?|purchases?|buying|ordering|purchasing)\b(?: (?:anything|something))?",
     "did not order"),
    (r"\b(but|and|yet|that|which) (?:(?:have|has|had|did|do|does) )?(?:(?:not|never) (?:sell|sold) (?:anything|any)|"
     r"(?:sells?|sold) nothing)\b", r"\1 no sales"),
    (r"\b(but|and|yet|that|which) (?:(?:have|has|had|did|do|does) )?(?:not|never) (?:brought|bring|generated?|ma[dk]e|"
     r"get|got|(?:led|lead) to)(?: in)? (?:(?:any|an?|a single) )*(orders?|sales?|revenue|purchases?)\b", r"\1 no \2"),
    # recorded, not logged in
    (rf"\blogged (?=(?:in|on|during|for|over|since) (?:(?:the|this|last|past) )*(?:{_MONTHS}|\d|q[1-4]|weeks?|months?|"
     rf"quarter|year|days?|data)\b|(?:{PEOPLE}|orders?|sessions?|visits?|page)\b|last|this|yesterday|per|by)", ""),
    (r"\b(?:the )?rest of (?:the|our) (?:world|countries|site|shop|traffic|users|visitors|channels|devices|sources)\b",
     "the rest"),
    (r"\b(c[oa]m(?:e|es|ing)|arriv(?:e|es|ed|ing)|visit(?:s|ed|ing)?) directly\b", r"\1 from direct"),
    (r"\b(?:c[oa]m(?:es?|ing)(?: back)?|return(?:s|ed|ing)?|visit(?:s|ed)?)(?: to)?(?: us)?(?: for)? (?:at least )?(?:"
     r"(?:an?|the) (?:second|2nd|repeat)|another) (?:time|visit|session)\b", "visited at least 2 times"),
    (r"\bin (?:the|that|one) same (?:visit|session)\b", " "),
    (r"\br\b", "are"),
    (r"\bu\b", "you"),
    (r"\bv\b", "vs"),
    (r"\bshr\b", "share"),
    (r"\b(?:totl|ttl)\b", "total"),
    (r"\bsess\b", "sessions"), (r"\bqtr(s?)\b", r"quarter\1"),
    (r"\byr(s?)\b", r"year\1"), (r"\bcusts?\b", "customers"), (r"\b(?:trx|txn|tx)s?\b",
     "transactions"), (r"\bw/(?!o\b)(?=\s|\w)", "with "),
    (r"\bb/w\b", "between"), (r"\b(?:on|in) an? (?:typical|normal|average|usual) (day|week)\b", r"per \1 on average"),
    (r"\b(?:nr|num|no\.)(?= of\b)", "number"),
    (rf"\b(up|down) on (?=(?:last|(?:the )?(?:previous|prior)) (?:week|month|quarter|year)\b|(?:{_MONTHS})\b(?! \d))",
     r"\1 compared to "),
    (r"\b(?:sinse|scince)\b", "since"),
    (r"\b(?:pct|perc)\b", "percent"),
    (r"\b(?:yest|ystrday|yesterdy)\b", "yesterday"),
    (rf"\b({MONTH}|{DAY})\s[-\u2013\u2014]\s(?=(?:{MONTH}|{DAY})\b)", r"\1 to "),
    (r"\s[-\u2013\u2014]\s", " , "),
    (r"\be[- ]?mails?\b", "email"),
    (r"\bw/o\b", "without"),
    (r"(?<![\w/.+-])(?:shopping )?(?:basket|trolley)(s?)\b(?!\.\w|/)", r"cart\1"),
    (r"\bshopping cart", "cart"),
    (r"\b(to|in|into) (the|their|a) bags?\b", r"\1 \2 cart"),
    (r"\b(have|has|had|did|does|do|is|are|was|were)nt\b", r"\1 not"),
    (r"\b(how|when|where)'?s\b", r"\1 is"),
    (rf"\bmay (?=(?:vs\.?|versus|and|or|compared (?:to|with)|against|than|to) (?:{_MONTHS})\b)", "in may "),
    (r"^(\W*)(?:between|among|out of) ([\w .&/-]+? (?:and|or) [\w .&/-]+?),? (which|who|what)\b", r"\1\2 , \3"),
    (r"(?<!\d )(?<!\d(?:st|nd|rd|th) )(?<!\b(?:in|of|to) )(?<!early )(?<!late )(?<!mid )(?<!through )(?<!until )"
     r"\bmay(?=,? (?:was|were|is|so|really|did|had|has|looked)\b|\W*$)",
     "in may"),
    (r"\bwho (?:is|are|was|were) (?:visiting|coming|browsing)\b", "who visited"),
    (r"\bdiff?e?re?nt\b", "different"),
    # GA4's names of the events of buying
    (r"\badd_to_cart\b", "add to cart"),
    (r"\bbegin_checkout\b", "begin checkout"),
    (r"\b(?:coupon|voucher) (?:usage|use|redemption)(?: rate)?\b", "share of orders with a coupon"),
    (r"\bhow (?:many|often|many times) (?:was |were |is |are )?(?:an? |the |any )?(?:coupon|voucher)s?(?: codes?)? "
     r"(?:were |was |are |got |have been )?(?:used|redeemed|applied)\b", "how many orders used a coupon"),
    (rf"\b({PEOPLE}|those) (?:who are )?reading ", r"\1 who read "),
    (r"\b(articles|posts|pages) with (?:the )?(most|fewest|least) (?:page[\s-]?)?(?:views|reads|visits)\b",
     r"\2 viewed \1"),
    (r"\b(revenue|sales|turnover|income|order value|aov) (with(?:out)?) (?:any |a )?(?:coupons?|vouchers?)(?: codes?)?"
     r"(?=\W*$| (?:in|on|by|last|this)\b)", r"\1 of orders \2 a coupon"),
    (r"\b(who|that|which) ordered by\b", r"\1 bought , by"),
    (r"\b(sessions|visits|users|visitors|buyers|orders|revenue) an (?=(?:sessions|visits|users|visitors|buyers|orders|"
     r"revenue)\b)", r"\1 and "),
    (r"\brepeat[\s-](?:purchas(?:e|ing)|order|buy(?:er|ing)?|customer) (?:rate|share|ratio|percentage)\b",
     "share of buyers who ordered more than once"),
    (r"\b(?:(?:average )?customer )?(?:life[\s-]?time (?:value|revenue)|clv|ltv|cltv)s?\b"
     r"(?: (?:of|per|for) (?:an? |the |our |each )?(?:average |typical )?(?:customer|buyer)s?)?", "revenue per buyer"),
    (r"\b(which|what) pages? (?:do we )?lose?s? (?:the )?most (?:visitors|users|people|customers|traffic)\b",
     r"\1 pages do most people leave from"),
    (rf"\b(?:buyers|customers|purchasers) {_VERSUS} (?={_NON_BUYERS})",
     "users who bought vs "),
    (rf"\b({_NON_BUYERS}) {_VERSUS} (?:buyers|customers|purchasers)\b",
     r"\1 vs users who bought"),
    (rf"\b(?<!non-)(?<!non )(?:buyers|customers|purchasers)\b(?=.* than {_NON_BUYERS})", "users who bought"),
    (r"\b(?:brand[\s-])?(?:new|first[\s-]time) (customer|buyer|shopper)(s?)\b", r"buyer\2 firstorder"),
    (r"\b(bought|ordered|purchased|placed|made)( most(?: often)?)? by (?:(?:the|our|all) )*(?:customers|buyers|"
     r"shoppers)\b(?! (?:who|that|which|whose|with|without)\b)", r"\1\2"),
    (r"\b(orders|purchases) (?:by|of|from) buyers firstorder\b", r"\1 firstorder"),
    (r"\b(?:very )?first(?:[\s-](?:ever|time))? (?:orders?|purchases?)\b", "firstorder"),
    (r"\b(bought|buys?|ordered|purchased?) first(?: most(?: often)?)?(?=\W*$| (?:by|from|in|on|last|this)\b)",
     r"\1 most in firstorder"),
    (rf"^\W*(?:and|but|then) what (?:do|did) they (?:buy|order|purchase) {_SECOND}(?=\W*$)", "and in laterorder"),
    (rf"^(?=\W*(?:what|which)\b)(.*?)\b(bought|buys?|ordered|purchased?) {_SECOND}"
     r"(?=\W*$|,? (?:by|from|on|last|this)\b)", r"\1\2 most in laterorder"),
    (rf"\b(?:the )?first (product|item|thing)s? (?:that )?((?:new )?(?:{PEOPLE})) (buy|bought|purchased?)\b",
     r"which \1s do \2 \3 most in firstorder"),
    (r"\b(?:avrg|averg|aver)\b", "average"),
    (r"\bmin(?:imum)?\.?(?: of)? (?=\d)", "at least "),
    (r"\bmax(?:imum)?\.?(?: of)? (?=\d)", "at most "),
    (rf"\b{_NON_BUYERS}\b", "users who did not buy"),
    (r"\bsingle (?=(?:day|week|month|hour|quarter)s?\b)", ""),
    (r"\b(?:second|2nd) (?:or|and) (?:later|third|subsequent) (?:orders?|purchases?)\b", "laterorder"),
    (r"(?<!first or )\b(?:repeat|follow[\s-]up|subsequent|later) (?:orders?|purchases?)\b(?! rate)", "laterorder"),
    (r"\bof the same (?:person|people|customers?|users?|buyers?)\b", " "),
    (r"\b(?:in|on|during|at|with) (?:the|their|a|its) (?:very )?first (visit|session)s?\b", r"in new \1s"),
    (r"\b(?:hangs?|depends?|relies|rely) on\b", "comes from"),
    (r"\b(cart|checkout)s? (?:that |which )?(?:have |are )?fail(?:s|ed|ing)?\b", r"\1 abandonment"),
    (r"\bexisting (?=customers?|buyers?|users?|visitors?)", "returning "),
    (r"\bratio of (\w+) (?:to|and|vs\.?|versus) ", r"\1 vs "),
    (r"^(\W*)who (?:spent|spends|spend) (?:the )?most\b(?! time)(?: money)?", r"\1top customers by revenue"),
    (r"^(\W*)who (?:bought|buys|ordered|orders) (?:the )?most\b", r"\1top customers by orders"),
    (r"\bhow long (?:do|does|did|are) (.*?)\b(?:stay(?:ing)?|remain|linger|browse)\b", r"engagement time \1"),
    (r"\b(\w+)(?:\+| or more)(?= (?:times|orders|purchases|sessions|visits|items|pages|page views|products)\b)",
     r"at least \1"),
    (r"\b(\w+) (times|orders|purchases|sessions|visits|items|pages|page views|products) or more\b", r"at least \1 \2"),
    (r"\bat least once\b", "ever"),
    (r"\bmore than one\b", "more than 1"),
    (r"\b(exactly|only|just) (?:one|a single)(?= (?:orders?|purchases?|sessions?|visits?|items?|products?|times?)\b)",
     r"\1 1"),
    (r"\b(with|had|have|has) (?:at least (?:one|1)|any|one or more) (?:orders?|purchases?)\b", r"\1 an order"),
    (r"\bat least (?:one|1)\b(?![.,]\d)", "any"),
)  # fmt: skip
_SHORT += (
    # its own orders: "order value with a coupon vs without"
    (r"(?<!order)(?<!orders) with (an? (?:coupon|voucher)(?: code)?) (?:vs\.?|versus|or|and|compared (?:to|with)|than) "
     r"without(?: (?:one|any|an? (?:coupon|voucher)(?: code)?))?\b", r" for orders with \1 vs without"),
    (r"\bbut (?=(?:for|on|in|from|with|via|by|without|excluding|except|this time|now)\b)", " "),
)  # fmt: skip
_REWRITES: tuple[tuple[str, str], ...] = (
    # two parts of one question
    (rf"\b(?:(?:on|every|each|all) )*({_DAY_NAMES})s\b|\b(?:every|each|on an?) ({_DAY_NAMES})\b", r" every\1\2 "),
    # people and what they spend
    (rf"\bhow (?:do|does|did|have) ((?:[\w-]+ )*?(?:{PEOPLE}|they)) (?:usually |typically |mostly )?(?:find|found|"
     r"discover|reach|get to|hear about|learn about|arrive at|come to) (?:us|(?:our|the|my) (?:site|website|"
     r"shop|store|page|webshop))\b", r"where did \1 come from"),
    (rf"\b(?:highest|top|biggest|most)[\s-]+(?:spending|valuable)\s+({PEOPLE})\b", r"top customers"),
    (rf"\b({PEOPLE}) (?:who|that|which) (?:spend|spent|pay|paid) (?:the )?most\b(?: money)?", r"top \1 by revenue"),
    (rf"\b({PEOPLE}) (?:who|that|which) (?:buy|bought|order(?:ed)?|purchased?) (?:the )?most\b", r"top \1 by orders"),
    (r"\bspen(?:ds?|t|ding) (?:the )?(more|most|less|least|much)? ?time\b(?: on (?:the |our )?(?:site|website|"
     r"shop|pages?)\b)?", r"\1 engagement time"),
    (r"\bspen(?:ds?|t) (?:the )?(most|least|more|less) per\b", r"\1 spend per"),
    (r"\b(do|does|did)\b(?! (?:we|i|you|us|they)\b)(.*?) (?:spends?|spent)\b(?= (?:more|less)\b(?! (?:per|time|on"
     r"(?! (?:a )?(?:mobile|desktop|tablet|phone|computer|ios|android|weekend)))\b))",
     r"\1 \2 revenue per user"),  # each of them
    (rf"\b({PEOPLE}|those|ones) ((?:from|in|on|via|with|who|using|coming)\b.*?) (?:spends?|spent|spending)\b",
     r"\1 \2 revenue"),
    # of others than us, who buy from us: "did those from instagram spend more than ..."
    (r"\b(do|does|did|have|has|which|who|whose)\b(?! (?:we|i|you|us|they)\b)(.*?) (?:spends?|spent)\b(?= (?:the "
     r")?(?:more|most|less|least)\b(?! per\b))", r"\1 \2 revenue"),
    (r"\b(?:how much|what (?:part|share)|which (?:part|share)) (?:do|does|did) (.*?) (?:contribut(?:e|es|ed) to|"
     r"plays? in|ha(?:ve|s) (?:in|of))\b", r"share of \1 in"),
    (r"(?:\b(?:with|where|that|who|of|on|to|end(?:s|ed)?|bounc(?:e|es|ed)|have|has|had|having|leav(?:e|es|ing)|left|"
     r"after|viewed|view(?:s|ing)?|saw|sees?|seeing|visit(?:s|ed|ing)?|look(?:s|ed|ing)? at|open(?:s|ed|ing)?|load(?:s|"
     r"ed|ing)?)\s+)*(?:\b(?:only|just|exactly|merely|an?)\s+)*(?<!than )(?<!least )(?<!at most )(?<!over )\b(?:one "
     r"single|one|1|single)[\s-](?:page[\s-]?views?|pages?)\b(?! (?:types?|per)\b)(?: (?:was|were|is|are) (?:viewed|"
     r"seen|opened|visited|loaded))?", " singlepage"),
    (r"\b(?:how much|what)(?: money)? (?:did|do|have|has) (?:we|the shop|the store) (?:make|made|take in|took "
     r"in|taken in|take|earn(?:ed)?|bring in|turn over)\b", "revenue"),
    (r"\bwhat (?:did|does|do|has|have) (.+?) (?:bring|brought|take|taken|pull|pulled|rake|raked) in(?: for us)?"
     rf"(?=\W*$| \((?!{MEASURE}\))| (?:per|in|on|last|this|during|since)\b)(.*)", r"revenue of \1\2"),
    (r"\bwho (?:refers|referred|sends|sent)\b", "which source brings"),
    (r"\b(?:buy|order|purchase)s? (more|less) (?:often|frequently)\b", r"converting \1"),
    (rf"^(?=.*\b(?:hour|time|day|weekday|week|month)s?\b)(.*?)\b(?:{PEOPLE}) shop\b", r"\1 orders"),
    (r"\bhow many pages (?:does|do|did) (?:an? |the |our |one |each |every )?(?:average |typical )?(session|visit)s? "
     r"(?:have|has|view|contain)\b", r"pages per \1"),
    (r"\b((?:bounce|engagement|conversion) rate) per (?:session|visit)\b", r"\1"),
    (r"\bview(?:s|ed)? any (?:product|item)s?\b", "view a product"),
    (r"\bwhere (?:is|are|was|were|do|does|did)\b(?=.*\b(?:higher|lower|better|worse)\b)", "which"),
    # buying, and not buying
    (r"^(\W*)what (do|does|did|are|have|has)\b(?!.*\b(?:before|after|do)\b)(.*?)\b(buy|buying|bought|purchased?|"
     r"purchasing|order|ordered|ordering)\b", r"\1which items \2 \3 \4"),
    (rf"\b({PEOPLE})((?: (?:who|that|which))?(?: (?:ever|actually|really|have|has|had|did|do|will))*) "
     r"(?:(?:ma[dk]e|making|makes|plac(?:e|es|ed|ing)|complet(?:e|es|ed|ing)) (?:a|an|any|one)(?: first)? "
     rf"(?:purchase|order)s?(?! (?:{LESS}|{MORE})\b)|(?:purchase|purchasing|order|ordering)"
     r"(?! (?:values?|sizes?|counts?|numbers?|rates?|by|per)\b))\b", r"\1\2 bought"),
    (rf"\b({PEOPLE})((?: (?:who|that|which))?) (?:with|had|have|has) an? (?:order|purchase)\b(?! (?:{LESS}|"
     rf"{MORE})\b)", r"\1\2 bought"),
    (rf"{_WHY}(.*?)\b(?:do|does|did|have) not\b(.*?)\b(?:finish|complet|go through with)(?:e|es|ed|ing)?\s+{THE}"
     r"(?:checkouts?|orders?|purchases?)\b", r"\1 checkout abandonment \2"),
    (rf"{_WHY}(.*?)\b(?:{STOPS}|{_GO}) (?:us )?(?:out )?(?:at|in|on|during|before|from|of) {THE}(checkout|cart)s?\b"
     r"(?! page)", r"\1 \2 abandonment "),
    (rf"{_WHY}(.*?)\b{_GO} (?:(?:with|behind) )?(?:(?:a|the|their|full|filled) )*carts?\b", r"\1 cart abandonment "),
    (rf"{_WHY}(.*?)\b(?:(?:sell|make|earn|get|have|see|buy|order)\w*|sold|made|got|had|is|are|was|were)(?: there)?"
     r"(?: absolutely| almost| next to| nearly| basically)? (?:nothing|(?:no|zero) (?:orders?|sales?|revenue|money|"
     r"purchases?|buyers?))\b", r"\1 low buying "),
    (rf"{_WHY}(.*?)\b(?:(?:do|does|did|is|has|have) )?(?:nobody|no one|hardly anyone|hardly anybody)\b(.*?)"
     rf"\b{_BUYING}s?\b", r"\1 low \2 buying"),
    (rf"{_WHY}(.*?)\b(?:do|does|did|are|is|were|was) not (.*?)\b(?:{_BUYING}|sell(?:ing)?|sold)\b(?: (?:anything|"
     rf"well|much))?",
     r"\1 low \2 buying"),
    (rf"{_WHY}(.*?)\b(?:not|never|hardly(?: ever)?|rarely|barely|scarcely) (?:{_BUYING}|sold|(?:sell|work|perform|"
     r"deliver)(?:s|ing)?)\b(?: (?:anything|well|much|at all))?", r"\1 low buying "),
    (rf"{_WHY}(.*?)\b(?:so|this|that|too) (?:well|good|strong|successful|popular|big|many|often)\b", r"\1 high "),
    (rf"{_WHY}(.*?)\b(?:so|this|that|too|very) (?:bad|badly|poor|poorly|weak|small|few|little|rarely|seldom)\b",
     r"\1 low "),
    # carts, checkout and the steps between
    (r"\b(?:do |does |did |are |is |were |was |have |has )?(?:not|never|fail(?:s|ed|ing)? to) "
     rf"(?:finish|complet|go through with)(?:e|es|ed|ing)?\s+{THE}(?:checkouts?|orders?|purchases?)\b",
     " checkout abandonment "),
    (rf"^(.*?)\b(?:in|at|of|during|through) {THE}{_PROCESS}\b", r"\1 in the funnel"),
    (rf"\b(cart|checkout)s?\s+{_WAS}(?:abandoned|left behind)\b", r"\1 abandonment"),
    (r"\b(cart|checkout)s?\s+(?:drop(?:ping|s)?[\s-]+(?:offs?|outs?)|loss(?:es)?)(?: rate)?\b", r"\1 abandonment"),
    (rf"\babandon(?:s|ed|ing)?\s+{THE}(cart|checkout)s?\b", r"\1 abandonment"),
    (rf"^(?=.*\b(?:(?:more|less|better|worse)\b.*\bthan|vs|versus|compared|or|higher|lower)\b)(.*?)\b(?:(?<!view )"
     rf"(?<!cart ){STOPS}|leav(?:e|es|ing)) (?:out )?(?:of |at |in |during |from )?{THE}(checkout|cart)s?\b",
     r"\1 \2 abandonment"),
    (rf"\bcheckouts?\s+{_WAS}(?:completed|finished)\b", "checkout to order rate"),
    (rf"\b(?:finish|complet)(?:e|es|ed|ing)?\s+{THE}checkouts?\b", "checkout to order rate"),
    (rf"^(?=.*(?:\bpercent|%|\bshare|\bhow many|\bproportion))(.*?){STOPS} (?:at|in|during|from) {THE}checkout\b",
     r"\1 checkout abandonment"),
    (rf"^(?=.*\b(?:worst|weakest|leakiest|{STOPS})\b)(.*?)" r"\b(?:where|(?:at |in )?(?:which|what) (?:step|"
     r"stage|point|part)s?)\b" rf"(.*?)\b(?:of|in|at|during|through) {THE}checkout(?: process| funnel)?\b(?! "
     rf"page)", r"\1 checkoutfunnel \2 "),
    (rf"^(?=.*\bcheckoutfunnel\b)(.*)\b(?:worst|weakest|leakiest|{STOPS})\b", r"\1 "),
    (r"\bcheckoutfunnel\b", "funnel steps3to6"),
    (rf"\b(?:where|(?:at |in )?(?:which|what) (?:step|stage|point|part)s?)\b(.*?)\b{STOPS}\b", r"funnel \1"),
    (rf"^(?=.*\bfunnel\b)(.*?)\b(?:{_MOST} of (?=them\b|these\b|those\b)|(?:in|at|of|during|through) {THE}{_GROUND}\b"
     r"(?! funnel))", r"\1 "),
    (r"^(?=.*\bfunnel\b)(.*?)\bon (?:the|their|its) (?:way|path|road|journey) (?:to|towards) (?:(?:an?|the|our|"
     r"their) )?(?:orders?|purchas(?:e|ing)|buy(?:ing)?|sales?|conversions?)\b", r"\1 "),
    (r"^(?!.*\b(?:rate|abandonment|funnel|share|percent)\b)(.*)\b(?:in|at|during|" rf"through) {THE}checkout(?: "
     rf"process)?\b(?! (?:completion|conversion|success))", r"\1 , funnel"),
    (r"\b(?:end|result)(?:s|ed|ing)? (?:up )?(?:in|with) (?:a |an )?(?:purchase|order|sale|conversion)s?\b",
     "converted"),
    (r"\b(more|less) likely to (?:buy|purchase|order|convert)\b", r"converting \1"),
    (r"\b(more|less) likely to ([\w ]+?)(?= (?:than|compared|on|in|from|if)\b|\W*$)", r"\2 \1 often"),
    (r"\b(?:in|by) (?:the )?order of\b", "sorted by"),
    (r"\bsingle (?=best|worst|biggest|largest|highest|lowest|busiest)", ""),
    # shares
    (r"\bhow (?:big|large|important) (?:is|are|was|were) ((?!the\b|our\b)[\w-]+(?: [\w-]+){0,2}?) (?:in|for|of) "
     r"(?=(?:our|the|all|total)\b)", r"share of \1 in "),
    (r"\bhow (?:big|large|high) (?:(?:is|are|was|were|a|an|the)\s+)+", "what is "),
    (rf"\b{_MOST} of (?:(?:(?:all|our|the) )+|(?=(?:them|these|those)\b))", f"{MAJORITY} share of "),
    (rf"^(\W*(?:(?:(?:is it|it is|it's) )?(?:true|right|correct|so) that |are |do |does |did |were |was |have |has |"
     rf"is )*){_MOST}(?: of)? (?=(?:{PEOPLE}|sessions?|visits?|orders?|purchases?|traffic|revenue|sales)\b)",
     rf"\1{MAJORITY} share of "),
    (rf"^(\W*(?:are|do|does|did|were|was|is) )(?:(?:our|the|all) )*({PEOPLE}|sessions|visits|orders|purchases) "
     r"(?:mostly|mainly|primarily|predominantly) ", rf"\1{MAJORITY} share of \2 "),
    (r"\b((?:share|percent|percentage|proportion|fraction|part|%) of (?:(?:our|the|all) )*(?:customers|buyers|"
     r"shoppers)) (?:orders?|buys?|shops?|purchases?) (?=(?:on|from|via|with|in|through|by|at)\b)", r"\1 "),
    (r"^(?=.*\b(?:share|percent\w*|part|portion|proportion|fraction|%))(.*)\b(?:vs|versus|of|against|to) (?:the "
     r")?(?:total|overall|whole)(?=\s*(?:$|[?.,]|in\b|\u00a7))", r"\1 "),
    # time
    (r"\b(?:over|throughout|through|across|during) (?:the course of )?the (?:whole |entire |full "
     r")?year\b(?!\s*(?:\u00a7|20\d\d))", "over time by month"),
    (r"\b(?:over|throughout|through|across) the (?:whole |entire )?(day|week|month)s\b", r"over time by \1"),
    (_TWO_KINDS, ""),
    (r"\b(?:on|during) (?:the )?(?:weekdays|week days|(?:working|business) days|work ?days)\b", "midweek"),
    (r"\b(?:which|what) (?:things|stuff)\b", "which items"),
    (r"\bwhen (?:was|were|is|are|did|do|does|have|has)\b(?=.*\b(?:best|worst|most|fewest|least|highest|lowest|"
     r"busiest)\b)(?!.*\b(?:day|week|month|hour|quarter)s?\b)", "which day"),
    (r"\bwhen (?:was|were|is|are|did|do|does)\b(?=.*\b(?:best|worst|most|fewest|least|highest|lowest|busiest)\b)",
     "which"),
    (r"\bhow (?:has|have|had|is|are|was|were)\b(?!.*\b(?:compared|vs|versus|than|against)\b)(.*?)"
     r"\b(?:been )?(?:doing|going|performing|looking|coming along)\b",
     r"trend \1"),
    (r"\bwhen (?:did|do|does|was|were|is) (.*?)\bpeak(?:ed|ing|s)?\b", r"which day highest \1"),
    (r"(?<!sales )(?<!revenue )(?<!order )(?<!traffic )\b(?:the |our )?(?:peak|high point|record) (?:in|of)\b",
     "which day highest"),
    (r"\b(?:beat(?:s|ing)?|(?:outperform|outdo|outpac|outstrip|outshin|overtak|exceed|surpass)(?:s|es|e|ed|ing)?)\b"
     r"(?! \d)", "compared with"),
    # what a group is compared with, and what is left out
    (r"\b(?:vs\.?|versus|against|compared (?:to|with)|than|and|or|from|with|to) (?:the (?:[\w-]+ ){1,3}?of |that of |"
     r"(?:those|the ones|people|users|visitors|customers) (?:of|in|on|from|with|using) |on |in |from |for )?(?:all |"
     r"of all )?(?:the )?(?:rest|others?|everyone|everybody|everything|everywhere|elsewhere|"
     r"all)(?: else)?(?: (?:of )?(?!(?:and|in|on|by|for|last|this|since|conversions?|revenue|sales|orders|aov|bounce|"
     r"engagement|sessions)\b)[\w-]+(?: pages?)?)?(?=\s*(?:$|[?.,;:]|in\b|on\b|for\b|last\b|this\b|by\b|conversions?\b|"
     r"revenue\b|sales\b|orders\b|aov\b|bounce\b|\u00a7))", " allothers "),
    (r"\b(?:everything|everywhere|everyone|anything|all) (?:but|except)\b", "without"),
    (EXCLUDES, "without "),
    # causes: where a change comes from is known
    (r"\b(?:an? |the |our |monthly |weekly |quick |short |brief )*(?:overview|summary|recap|rundown|picture|review) "
     r"(?:of|for|on|about) (?=\u00a7)", "numbers for "),
    (r"\bwhat (?:is|was|were) (?:going on|up|happening|different|special|wrong)\b|\bwhat went (?:wrong|right|"
     r"well|on)\b",
     " askswhy happened "),
    (r"\bview(?:s|ed|ing)? (more|fewer|the most|the fewest) pages\b(?! per)", r"\1 pages per session"),
    (r"\bwhat happened(?: (?:to|with|in|on|during|around))?\b", " askswhy happened "),
    (r"\bwhat (?:has |have )?changed (?:in|with|about|for)\b", " askswhy change "),
    (r"\b(?:what (?:has |have )?(?:changed|differed)|(?:did|has|have) (?:anything|something|things) (?:changed?|"
     r"differed))(?=\W*$| *\u00a7| (?:compared|vs|versus|since|from|between|over)\b)", " askswhy change "),
    (r"\b(?:what|which)? ?(?:is|are|'s|s)? ?(?:the )?(?:reasons?|causes?|explanations?) (?:for|of|behind|that)\b",
     " askswhy "),
    (r"\bwhat(?: is|s)? (?:behind|driving|causing)\b|\bwhat (?:caused|explains?|explained|drove|drives?|made|makes|"
     r"affects?|determines?|pushed|contributed(?: the)?(?: most)? to)\b", " askswhy "),
    (r"\bwhy\b|\bhow come\b|\bexplain\b|\b(?:is |are |was |were )?responsible(?: for)?\b|\b(?:caused?|"
     r"contribut(?:e|es|ed)(?: the)?(?: most)? to|explains?|explained)\b", " askswhy "),
    (r"\bbreak down (?=the (?:change|drop|increase|decline|growth|rise|fall)\b)|\bwhere (?:does|did) "
     r"(?=.*\b(?:change|drop|increase|decline|growth|rise|fall)\b.*\bcomes? from\b)", " askswhy "),
)  # fmt: skip
_SPELLED = [(re.compile(pattern), new) for pattern, new in (*PARAPHRASES, *_SHORT)]
_COMPILED = [(re.compile(pattern), new) for pattern, new in _REWRITES]


# the days up to a purchase, and the words that say no more than this: not those from an order to another, or a refund
_HOW_LONG = re.compile(
    r"\b(?:how (?:long|many days|much time)|(?:average|mean|median) (?:time|days|number of days))\b(?=.*\b(?:until|"
    r"till|before|between|from|to|takes?|took)\b.*\b(?:purchas|buy|bought|order|convert))"
)
_AN_ORDER = r"(?:orders?|purchas\w*|buy\w*|bought|convert\w*|refund\w*)\b"
_FROM_AN_ORDER = re.compile(
    rf"\b{_AN_ORDER}.*\b{_AN_ORDER}|\bfrom (?:(?:the|their|an?|first|last) )*{_AN_ORDER}|"
    r"\bbetween\b(?!.*\b(?:visit|session))"
)
_OF_WAITING = re.compile(
    r"\b(?:median|do|does|did|it|takes?|took|until|till|before|between|from|to|and|the|their|they|an?|first|visits?|"
    r"sessions?|orders?|purchas\w*|buy\w*|bought|convert\w*|in days|pass(?:es)?|c[oa]me|arriv\w*|time|needs?|needed)\b"
)


# days up to an order as we offer them: what follows are days of the question, groups or values
_DAYS = {
    "to order": "day to order", "to second order": "day to second order", "between orders": "daysbetweenorders",
}  # fmt: skip
_NAMED_DAYS = re.compile(rf"\W*(median |)days? ({'|'.join(_DAYS)})(?= (?:from|on|by|for|vs|in|of)\b|\W*$)")


@cache
def words_of_rules() -> frozenset[str]:
    """The whole words that rewrites know."""
    rules = (*PARAPHRASES, *_SHORT, *_REWRITES)
    found = {word for pattern, new in rules for word in re.findall(r"[a-z]{4,}", f"{pattern} {new}")}
    return frozenset(found & english_words())


def spelled_out(text: str) -> str:
    """The text, in small letters, with short words in full."""
    named = _NAMED_DAYS.match(text)
    text = f"{named[1]}{_DAYS[named[2]]}{text[named.end() :]}" if named else in_gaps(in_first_touch(text))
    with_cart = re.sub(r"\b(?:basket|trolley)\b", "cart", text)
    if not named and _HOW_LONG.search(text) and not as_step_time(with_cart) and not _FROM_AN_ORDER.search(text):
        median = "median " * ("median" in text)
        text = f"{median}day to order {_OF_WAITING.sub(' ', _HOW_LONG.sub(' ', text))}"
    text = without_percent(text)
    for pattern, new in _SPELLED:
        text = rewritten(pattern, new, text)
    return text


def in_known_words(text: str) -> str:
    """The text, in small letters, in words that the vocabulary knows better."""
    text = in_steps(text)
    for pattern, new in _COMPILED:
        if pattern.pattern == _TWO_KINDS:
            if pattern.search(text):
                text = re.sub(r"\bper day\b", " ", text)
                text = re.sub(r"\bwhen\b", " ", f"{_EITHER_KIND.sub(' ', text)} by weekend or weekday")
            continue
        text = rewritten(pattern, new, text)
    return ADD_TO_CART.sub("add to cart", text)
