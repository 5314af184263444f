"""Turns of speech for errors, carts, comparisons and what was done in one period only, in the words of our measures."""

from __future__ import annotations

from beha2vec_core.chat.days.named_days import MONTH_NAMES as _MONTHS
from beha2vec_core.chat.rewrites.substitute import Rules
from beha2vec_core.chat.rewrites.whole_questions import MEASURE
from beha2vec_core.chat.words.currencies import CURRENCY_WORDS
from beha2vec_core.chat.words.verbs import DOWN, PEOPLE, UP

_WHO = rf"(?:(?:most |the |our )*(?:{PEOPLE})|they)"
_MORE = "more|less|better|worse"
_COUPON = "(?:(?:coupon|voucher|discount|promo)(?: code)?|code)"
_CODE = (  # the TEN10 code, voucher ten10
    rf"(?:the )?(?:{_COUPON} )?(?!{_COUPON}|(?:the|an?|any)\b)([a-z]+\d+|\w+(?= {_COUPON}\b))(?: {_COUPON})?"
)
_THINGS = "products?|items?|articles?|brands?|categor(?:y|ies)"
_IN_DAYS = (  # not "within 30 days"
    rf"(?:(?:in|during|on|since) )?(?:{_MONTHS}|(?:the )?(?:last|this|past|first|second) |"
    r"(?:week|month|day)s?\b|\d)"
)

PERIOD = rf"(?:{_MONTHS})(?: 20\d\d)?|last (?:week|month|quarter|year)|q[1-4](?: 20\d\d)?"

_NO_VERB = r"(?!(?:who|that|which|and|or|did|do|does|not|have|has|were|was|by)\b)[\w./-]+"
_NEVER = r"(?:(?:have|has|had|did)(?:n't| not| never)|never|not)"
_AMOUNT = rf"(more than|over|above|at least) ((?:[€$£] ?)?\d[\d.,]*(?: ?(?:{CURRENCY_WORDS}|[€$£]))?)"
_NOT_BACK = (  # for some time
    rf"(?:{_NEVER} (?:been (?:back|here|seen)|visit(?:ed)?|c[oa]me(?: back)?|return(?:ed)?|shown up)|(?:no|without (?:a"
    r" |any )?|zero) ?visits?)(?: (?:us|here|again|the (?:shop|site)))* (?:in|for|within|over|since) "
    r"(?:the )?(?:last |past )?(?P<time>(?:\d+|two|three|four|six|eight) (?:day|week|month)s)"
)
_KIND = r"(?:new|returning|repeat|existing|first[ -]time)"
_WHO_SPENT = rf"\b(?:(?P<who>{PEOPLE})(?: who| that)?|who)(?: (?:have|has|had))?"

_DATED = r"(?:in|on|during|yesterday|last|this|over|within|since)\b"

_DONE = r"(view(?:ed)?|look(?:ed)? at|buy|bought|order(?:ed)?|purchased?|add(?:ed)?|visit(?:ed)?|read|see|saw)"
_GROUP = (
    r"((?:channel|source|medium|campaign|device|browser|brand|product|item|page|landing page|cluster|segment)s?|"
    r"countr(?:y|ies)|categor(?:y|ies))"
)

_CAUSED = r"(?:(?:mostly|mainly|more) )?(?:because of|due to|driven by|down to|caused by|thanks to|from|by)"
_A_BETTER = r"(?:(?:an?|the|our|more|fewer|less|better|worse|higher|lower|bigger|smaller|stronger|weaker) )*"

_CARTS = r"(?:(?:the|our) )?(?:add[- ]to[- ]carts|carts|cart additions|baskets)"
_ENDS_IN_ORDER = (
    r"(?:converted|(?:end(?:s|ed)?(?: up)? (?:in|with|as)|turn(?:s|ed)? into|lead to|led to|become|became) (?:an? )?"
    r"(?:orders?|purchases?|sales?))\b"
)
_OF_CARTS = (
    r"(?:share|percent(?:age)?|%) of (?:(?:sessions|visits) with an? (cart|checkout)|(cart|checkout) sessions) "
    r"(?:that |which )?(?:is|are|was|were|c[oa]mes?)"
)
_DRIVES = r"(?:drives?|explains?|influences?|affects?|impacts?|determines?|causes?)"
_HIGHER = r"(?:higher|lower|better|worse|bigger|larger|smaller|stronger|weaker)"
_SITE_SEARCH = r"(?:(?:the|our) )?(?:(?:on-?)?site|internal)[- ]search(?:es)?"
_SEARCH = r"(?:(?:the|our) )?(?:(?:on-?)?site[- ]|internal )?search(?: (?:function|box|bar))?"
_ALONE = rf"(?! (?:{PEOPLE}|and|or|vs|versus)\b)"
_NOT_OF_ENGINES = r"(?<!paid )(?<!organic )(?<!google )(?<!bing )(?<!ads )"
_NO_SEARCHES = (  # words before "searches" of search engines, of people, or of a session
    rf"organic|paid|cpc|ads|seo|sem|products?|google|bing|engine|brand|branded|generic|with|without|from|via|through|which|what|top|popular|"
    rf"common|frequent|most|least|who|that|us(?:e|es|ed|ing)|{PEOPLE}|they|we|had|has|have|made|make|makes|no|any|zero|one|an?|than|"
    r"least|results?|failed|empty|\d+|two|three|per|many"
)

TURNS: Rules = (
    # which of its parts a change is due to
    (r"(?<=\bor )(?:(?:by|from|due to|because of) )?(?:bigger|larger|smaller) (?:baskets?|orders?|carts?)(?=\W*$)|"
     r"\b(?:bigger|larger|smaller) (?:baskets?|orders?|carts?)(?= or\b)", "order value"),
    (rf"^\W*(?:(?:and|so|but) )?(?:(?:is|was|are|were) (?:it|that|this) )?{_CAUSED} {_A_BETTER}({MEASURE}) or "
     rf"(?:{_CAUSED} )?{_A_BETTER}({MEASURE})\W*$", r"is it the \1 or the \2"),
    # of the two that were compared
    (r"^(\W*(?:and )?)(?:which|who)(?: one)? of (?:the two|both|them|these(?: two)?|those(?: two)?)(?: brands| products"
     r"| countries| channels| devices)?(?= (?:\w+ )+(?:more|less|fewer|better|worse|higher|lower|bigger)\b)",
     r"\1which one"),
    (r"\bwhich (one|of (?:them|these|those)) (?:sells?|sold) (more|fewer|less) (?:items|products|units|pieces)\b",
     r"which \1 has \2 items sold"),
    # the season is no limit
    (r",? now (?:that )?(?:(?:it is|it's|its) (?:spring|summer|autumn|winter)|(?:spring|summer|autumn|fall|winter) "
     r"is (?:here|over|coming|ending|starting))(?=\W*$)", ""),
    (r"^(\W*(?:(?:and|now|please|can you) )*)split (it|that|this)(?: (?:up|down|out))? (?=(?:by|per) )",
     r"\1break \2 down "),
    (r"^\W*(?:good )?(?:morning|afternoon|evening)(?: (?:all|team|everyone|everybody|guys|there))?\s*[,!.:\u2013-]+"
     r"\s*(?=\w)", ""),
    (r"\bgonna\b", "going to"),
    (r"^(\W*)(?:(?:what|where) (?:is|are) )?(?:the |our )?(?:biggest|largest|worst|main) (?:drop[- ]?offs?|"
     r"leaks?|loss(?:es)?) (?:in|of|at|during) (?:the |our )?(checkout|funnel)(?: process| funnel)?"
     r"(?=\W*$| (?:on|for|in|last)\b)",
     r"\1at which step of the \2 do we lose the most people"),
    (r"\b(?:gets? |is |are |were |was )?(?:looked at|viewed|seen) (?:the )?most,? but (?:not|never|hardly|rarely) "
     r"(?=bought|ordered)", "viewed a lot but rarely "),
    (r"\bof (those|them|these) (?:finished|(?:were |got )?completed|went through)\b", r"of \1 ordered"),
    (r"^(\W*(?:and )?)how much (did|do|does|have|has) (they|it|these|those|that) (?:spend|spent|bring|brought|make)"
     r"(?: in| up)?(?=\W*$)", r"\1how much revenue \2 \3 make"),
    (r"\b(?:end|ends|ended) up (?:buying|ordering|purchasing)\b", "bought"),
    (r"\bwho spends (more|less)\b(?! (?:per|time)\b)", r"which revenue per user \1"),
    (r"\bwhove\b", "who have"), (r"\bprev(?=\.? (?:\d+ )?(?:day|week|month|year|period))\.?", "previous"),
    (r"^(\W*)what (?:did|has) (?:the )?(.+?) (?:campaign|newsletter)(?: do| done) for us\b",
     r"\1how did the campaign \2 perform"),
    (r"^(\W*)what(?:'?s| is) (?:a|an|one) (visit|session|user|order) from (.+?) worth\b",
     r"\1revenue per \2 from \3"),
    (r"\bshipping costs? (?=(?:collected|charged|paid)\b)", "shipping "), (r"\b(shipping|tax) collected\b", r"\1"),
    (r"\bwho are (our|the|my) vips?(?: customers)?\b", r"who are \1 best customers"),
    (r"\bthat led to an order\b", "that converted"),
    (rf"\b({PEOPLE})(?: (?:who|that))? compared? (?:products|items)\b", r"\1 who viewed comparison pages"),
    # of a group of visits: those who did not buy are not the others
    (rf"^(\W*(?:do|does|did) (?:the |our )*(?:(?!coupon|search)[\w-]+ )+(?:{PEOPLE}) (?:buy|order|convert|purchase) "
     r"(?:more|less|better|worse))(?: often)? than (?:(?:all|the) )*(?:others?|rest|everyone else|other (?:\w+))"
     r"(?=\W*$)", r"\1"),
    (rf"^\W*(?:(?:is|are) there |(?:do|did) we have )?any {_GROUP} (?:with|that (?:has|have|gets?|got)|having) ",
     r"\1 with "),
    (r"^(\W*)(?:what(?:'s| is| was) )?(?:the )?reach of (?=.*\bpages?\b)", r"\1how many users viewed "),
    (r"\b(?:average|avg\.?|mean) spend(?:ing)? (?:of|by|for|among) (?:(?:the|our|all) )*(\w+) buyers\b",
     r"revenue per buyer of users who bought \1"),
    (r"\b(?:average|avg\.?|mean) spend(?:ing)? (?:of|by|for|among) ", "revenue per buyer of "),
    (rf"\b(?:at )?(?:what|which) time(?= (?:do|does|did|are|is) (?:(?:most|the|our) )*(?:{PEOPLE}|they|we)\b)",
     "what time of day"),
    (rf"^(\W*)which (?:(?:types?|kinds?|sorts?|groups?) of (?:{PEOPLE})|(?:(?:user|customer|visitor) )?(?:clusters?|"
     r"segments?))(?: mostly| mainly| usually)* (?:comes?|came|arrives?|arrived)(?: mostly| mainly| to us)* (?:through|"
     r"via|from|by) (.+?)(?: (?:the )?most)?(?=\W*$)", r"\1users by segment from \2"),
    (r"\b(how many|number of|sum of) (items|products|pieces|units) (?:(?:were|are) )?in (?:(?:the|all|our) )*"
     r"(?=orders\b(?!.*\b(?:average|typical|usual)))", r"\1 \2 sold of "),
    (rf"\b(sessions|visits|orders) (?:where|in which|during which) {_WHO} (?=\w)", r"\1 that "),
    (r"\b(?:(?:on|in|for|during) )?(?:each|every one) of the (last|past|first) (\w+ )(day|week|month)s\b",
     r"by \3 in the \1 \2\3s"),
    (r"(?:^|,? )do (?:you|we) (?:think|reckon|guess|believe|suppose)\b(?: that)?(?! (?:so|of)\b)", ""),
    (r"^(\W*)how many (?:(?:page )?not found |404 )?(?:404s?|errors?(?: pages?)?)(?: (?:are|were|do|did|have) "
     rf"(?:(?:the|our) )?((?!most\b)\w+ )??{_WHO}) (?:hit|hitting|see|seen|seeing|get|getting|got|run(?:ning)? into|"
     r"encounter(?:ing|ed)?)\b", r"\1how many page views of error pages \2"),
    (r"\b(carts?|baskets?|trolleys?|checkouts?) (?:that )?(?:ends? up|ended up|being|get|gets|got) (?:being )?"
     r"(?:abandoned|left behind)\b", r"\1 abandoned"),
    (r"\binterest in (?:(?:the|our) )*(?=\w)(?!us\b)", "views of "),
    (r"\b(?:is|are) (?=.*\bpicking up\b)(.*?)\bpicking up\b", r"are \1 growing"),
    (rf"^(\W*(?:(?:how many|which|number of|share of|the|our) )*)(?:{PEOPLE}|(?<!\w)who)(?: (?:who|that|have|had|did))"
     rf"* (?:buy|bought|order|ordered|purchased?) again (?={_IN_DAYS})", r"\1customers with repeat orders "),
    (rf"\b({_THINGS}) (?:is|are|was|were|gets?|got)(?: (?:most|often|frequently|the))* (?:returned|refunded|sent "
     r"back)\b", r"\1 by refunded orders"),
    (rf"\b(?:most|most often|often|frequently) (?:returned|refunded) ({_THINGS})\b", r"\1 by refunded orders"),
    # returning customers' share of revenue: of theirs, not of those who buy
    (rf"^(\W*(?:what(?:'s| is| was) )?(?:the )?)((?:{_KIND} (?:vs\.?|versus|and|or) )?{_KIND} (?:{PEOPLE}))(?:'s|')?"
     rf" (share|percentage|part) of (?:the |our |all |total )*(?!(?:[\w-]+ )?(?:{PEOPLE})\b)(\w[\w ]*?)(?=\W*$|"
     r" (?:in|on|during|last|this|since|from|for)\b)", r"\1\3 of \4 from \2"),
    (rf"(?<=\w)(,? )where (?:do|did) (?:we|{_WHO}) (?!lose\b)(?=\w+ (?:{_MORE}|most|least|best|worst)"
     r"\b)", r"\1which has "),
    (rf"^(\W*)where (?:do|did) (?:we|{_WHO}) (\w+ (?:{_MORE}))(?=,? .*\b(?:or|vs)\b)", r"\1which has \2"),
    # the answer has both, in sum and per day
    (r"^(?=.*\bweekends?\b)(?=.*\b(?:weekdays?|working days)\b)(.*?) (?:per|a|each) day\b", r"\1"),
    (r"\bwhich (order|purchase|transaction) (?:is|was|were) (?:the |our )?(?:very |single )?(biggest|largest|"
     r"highest|smallest|lowest|most expensive|cheapest)\b(?: one)?(?! \w)", r"our \2 \1"),
    # who bought or came in one period, and did the other never after it
    (rf"\b((?:bought|ordered|purchased|came|visited|buyers?|customers?)\b.*?) (in|during) ({PERIOD}),? (?:(?:but|and|"
     rf"yet|who|they) )*(?:{_NEVER} (?:ever )?(?:been|c[oa]me|returned?|visited|seen)|no (?:more )?visits?)"
     r"(?: (?:here|back|again|(?:ever )?since(?: then)?|after that|any ?more))*(?=\W*$)",
     r"\1 \2 \3 but did not visit after \3"),
    (rf"\b(in|during) ({PERIOD}),? (?:(?:but|and|yet|who|they) )*{_NEVER} (?:ever )?(?:bought|buy|ordered?|"
     r"purchased?)(?: (?:anything|again|(?:ever )?since(?: then)?|after that|any ?more))+(?=\W*$)",
     r"\1 \2 but did not order after \2"),
    (r"^\W*(?:(?:our|the|possible|potential|list|show|give me) )*win[ -]?back (?:candidates?|lists?|targets?|customers?"
     r"|audiences?|segments?)(?: who)?\s*(?::|\s[-\u2013\u2014]|,) (?:who )?", "users who "),
    # how much somebody has spent is a limit of users
    (rf"{_WHO_SPENT} spent {_AMOUNT}(?:,| and| but| yet| who| with)* {_NOT_BACK}",
     r"users who did not visit in the last \g<time> with \2 \3 of revenue"),
    (rf"{_WHO_SPENT} {_NOT_BACK}(?:,| and| but| yet| who| have)* spent {_AMOUNT}",
     r"users who did not visit in the last \g<time> with \3 \4 of revenue"),
    (rf"\b((?:{PEOPLE})(?: who| that)?|who) (?:have|has)(?:n't| not| never) (?:been (?:back|here|seen)|c[oa]me back|"
     r"returned|shown up)(?: (?:to us|here|again))* (?:in|for|since) (?:the )?(?:last |past )?"
     r"(?P<time>\d+ (?:day|week|month)s)", r"\1 did not visit in the last \g<time>"),
    (rf"^(\W*(?:(?:list|show|give me|name|the|all|our|of|which|a) )*)(?:(?:{PEOPLE})(?: who| that)?|who)(?: have| had|"
     rf" has)? spent (?:a total of |in total )?{_AMOUNT}(?: in total| altogether)?(?!\w| ?(?:{CURRENCY_WORDS}|for|"
     r"per|in (?:one|a|total)|each|an?|seconds?|minutes?|hours?|and|but|or|with|"
     r"on (?:ads?|average|the|our|advertising))\b)",
     r"\1users with \2 \3 of revenue"),
    # who is active visits, and who is a buyer has bought at some time
    (rf"\b(?:buyers|customers) (?:(?:that|who) )?(?:have been|were|are|was) active (?={_DATED})(.+?)(?=\W*$)",
     r"users who visited \1 and ordered at whatever time"),
    (rf"\b({PEOPLE}) (?:(?:that|who) )?(?:have|had) (?:already |ever )?(?:bought|ordered|purchased)(?: (?:before|"
     rf"already|something))* (?:and )?(?:visited|came(?: back)?|were active|came by) (?={_DATED})(.+?)(?=\W*$)",
     r"\1 who visited \2 and ordered at whatever time"),
    (rf"\b((?!buyers|customers)(?:{PEOPLE})) (?:were|was|have been) active (?={_DATED})", r"\1 visited "),
    (rf"\bhow (?:many times|often) (?:was |were |is |are )?{_CODE} (?:(?:get|got|been) )?(?:used|redeemed|applied|"
     r"entered)\b", r"how many orders used the coupon \1"),
    (rf"\bhow (?:many times|often) did {_WHO} (?:use|redeem|apply|enter) {_CODE}",
     r"how many orders used the coupon \1"),
    (r"\b(?:was|were|is|are|got|gets?) (?:hit|opened|read|seen|looked at) (?:the )?(most|least)(?: often)?\b",
     r"was viewed the \1"),
    (r"^(?=.*\b(?:carts?|baskets?|trolleys?|checkouts?)\b)(.*)\b(?:do|does|did|have|has)(?: not|n'?t) (?:ever |"
     r"actually )?(?:finish|finished|go through|follow through|see it through)(?: (?:with )?(?:it|(?:the|their|an) "
     r"(?:order|purchase)))?(?=\W*$| (?:in|on|last|this)\b)", r"\1did not order"),
    (rf"\b({PEOPLE}) (?:who |that )?(?:just|only) reads? (?:and|but) (?:(?:they|who) )?(?:never|(?:do|did)(?: "
     r"not|n'?t)) (?:buy|order|purchase)(?: (?:anything|something|a thing))?",
     r"\1 who viewed article pages and did not order"),
    (r"^(\W*(?:(?:and|so|ok) )*)(?:what|how much) (?:was|is|were|are) (?:that|this|it|they|those|these|all that) worth"
     r"(?: to us)?(?: in (?:euros?|eur|money|dollars?|pounds?|cash))?(?=\W*$)", "and how much revenue was that"),
    (r"^(\W*(?:(?:and|now|please|ok) )*)(?:add|include) (?:also )?([\w -]{2,30}?) (?:to (?:(?:the|that|this|your) "
     r"comparison|that|it|this|them|these|those)|too|as well|also)(?=\W*$)", r"\1and with \2"),
    (r"^(\W*(?:and )?)in (?:items|pieces)(?=\W*$)", r"\1in units"),
    (rf"^(?=.*\b(?:sales|sold|revenue|units|items|products)\b)(?!.*\b(?:pages?|traffic|devices?|{PEOPLE})\b)(.*)\bby "
     r"(?:type|kind|sort)s?(?=\W*$| \(| (?:in|last|this)\b)", r"\1by subcategory"),
    (rf"^(\W*(?:and |so )*)(?:are|do|is|were|did) {_WHO} (?:spending|spend) (more|less) per (order|visit|head) (?:now "
     r")?than (?:they did )?(?=(?:in|last|a)\b)", r"\1is revenue per \3 \2 than "),
    # what both happened in is a visit
    (rf"^(\W*(?:and )?(?:of (?:all )?|how many ))(?:those|{PEOPLE})(?: (?:who|that))? (?!of\b)(.*?),? "
     r"(?:with)?in (?:the|that) (?:very )?same (?:visit|session)\b", r"\1sessions that \2"),
    (r"^(\W*)what(?:'s| is| has)? (?:stands?|stood|standing|jumps?|jumped) out (?=(?:in|this|last|during|over|on)\b)",
     r"\1what changed "),
    (r"\b(buy|buys|buying|order|ordering|convert|converts|converting) (?:so|that|very) much (?=(?:less|more|better|"
     r"worse)\b)", r"\1 "),
    (r"\bby (?:the )?(?:number|quantity) of (?=(?:items|units|pieces|products) sold\b)", "by "),
    *((rf"^(\W*why\b.*)\b(?:buy|buying|order|ordering|convert|converting) {said}(?: often)? than (?=(?:the |all (?:the "
       r")?)?(?:rest|others?|everyone else)\b)", rf"\1 conversion rate {is_so} than ")
      for said, is_so in (("less", "lower"), ("more", "higher"))),
    # follows another question: "by revenue instead", "show me orders instead of sessions"
    (r"^\W*(?:(?:(?:can|could) you|please|pls|now|ok|and|show|give|use|take|try|make|do|me|us|it|that|as)\b\W*)*"
     r"((?:\S+ ){1,6}?)instead(?: of [\w ]+)?(?: please| pls)?\W*$", r"and \1"),
    # channels whose revenue fell most; not "whose users", which are groups too
    (rf"\b{_GROUP} whose (?=(?:[\w-]+ ){{1,3}}?(?:{'|'.join((*DOWN, *UP))})\b)", r"which \1's "),
    # where they did it stands between what they did and did not
    (rf"\b((?:added|put) (?:\w+ ){{0,2}}?(?:to|into|in) (?:(?:the|their|a) )?(?:cart|basket)) "
     rf"((?:from|on|in|via)(?: {_NO_VERB}){{1,4}}?) (?:and|but) ((?:did not|didn't|never) (?:order|buy|bought|purchase|"
     r"ordered|purchased)(?: anything)?)", r"\1 and \3 \2"),
    (r"\b(most|least)[ -](?:viewed|seen|looked[ -]at) (product|item)(s?)\b(?! (?:pages?|categor|in the))",
     r"\2\3 with the \1 item views"),
    (r"\b(most|least)[ -](?:viewed|seen|looked[ -]at) (?:product |item )?(categor(?:y|ies)|brands?)\b",
     r"\2 with the \1 item views"),
    (r"\borders (?:(?:that|which) )?(?:were |was |are |got )?(?:placed|made|completed|submitted) (?=(?:with|using) )",
     "orders "),
    (r"^(\W*compare (?:the |our )?)(?:campaigns?|channels?|sources?|countries|browsers?|devices?) (?=\S+ (?:and|with|"
     r"vs|to) \S+\W*$)", r"\1"),
    (r"^(\W*compare (?:the |our )?\S+ (?:and|with|vs|to) (?:the )?\S+) (?:(?:newsletter|e-?mail|mail) )?(?:campaigns|"
     r"channels|sources|countries|browsers)(?=\W*$| (?:in|last|for|since|by)\b)", r"\1"),
    (r"\b(?:do|can|should) (?:we|i|you) expect (?:to (?:see |come |be |have )?)?(?:back|returning)\b|\b(?:are|is) "
     r"expected (?:to (?:come|be) )?back\b", "will come back"),
    (r"\bleft (?:something|items?|things?|stuff|products?) (?:behind )?in (?:the|their|a) (?:cart|basket)(.*?) without "
     r"(?:ordering|buying|purchasing|paying|checking out)", r"added something to the cart\1 without buying"),
    (rf"\bhelp cent(?:re|er) ({PEOPLE})\b", r"\1 who viewed help pages"),
    (r"\bhelp cent(?:re|er)s?\b(?: pages?)?", "help pages"),
    (r"^(\W*(?:and )?(?:which|what) \w+ contributed (?:the )?(?:most|least))(?=\W*$)", r"\1 to that"),
    # in this order, not at any time
    (rf"\bhow many (of (?:them|those|these) )?(?:then|later|subsequently) {_DONE}\b([^?,.]*)",
     r"how many \1\2\3 afterwards"),
    (rf"\b(who|that|those)\b(.*?) (?:go|goes|went) on to {_DONE}\b([^?,.]*)", r"\1\2 \3\4 afterwards"),
    (rf"\b(?:go|goes|went) on to {_DONE}\b", r"\1"),
    (r"\badd_to_carts?\b", "add to cart"),
    (r"\bbegin_checkouts?\b", "checkout"),
    (r"\bview_items?\b", "product view"),
    (r"\b(did|do|have) (we|you) record(?:ed)?\b", r"\1 \2 have"),  # no highest value
    *((rf"^(\W*(?:and )?)are (?:the |our )?(.+?) getting (?:{more})(?: (?:and|or) (?:{more}))?(?=\W*$)",
       rf"\1is the number of \2 going {way}") for more, way in (("more", "up"), ("fewer|less", "down"))),
    (r"\b((?:share|percent(?:age)?|proportion|fraction|part) of (?:(?:the|our|all) )*\w+(?: views)?) (?:goes|go|went|"
     r"falls?|fell) (?:to|on|into) ", r"\1 is on "),
    (rf"\b(?:which|what) (?:acquisition |marketing )?{_GROUP} (?:brings?(?: in)?|attracts?|delivers?) (?:the |us )*"
     rf"(?:{PEOPLE}) with the (highest|lowest) (?=\w+ (?:\w+ )?(?:per|rate|value))", r"which \1 has the \2 "),
    (r"\b(?:was|is) (?:it|that|this) (?:more|fewer|less) (?:visitors|visits|traffic|sessions|users|people),? or (?:did|"
     r"do|are|were) (?:more|fewer|less) (?:of them )?(?:buy|order|convert)\w*",
     "was it the sessions or the conversion rate"),
    (r"^(\W*)(?:which|what) behaviou?rs? (?:go|come)(?:es|s)? (?:along |together )?with (?:becoming an? (?:buyer|"
     r"customer)|(?:an? )?(?:purchase|order|buying))|"
     rf"^(\W*)(?:(?:what|which (?:factors?|things?)) {_DRIVES} (?:most )?|"
     r"(?:what|which) (?:are|is) (?:(?:the|our|main|key|most important|biggest) )*(?:drivers?|factors?|influences?) "
     r"(?:of|for|behind|on) )(?:(?:the|our|more) )*(?:conversions?(?: rates?)?|sales|orders|purchases)"
     r"(?: (?:on|in|of|for) (?:the|our|my) (?:web)?(?:site|shop|store))?(?: (?:the )?most)?(?=\W*$)",
     r"\1\2what do users do before they buy"),
    # a state of a group, and no change
    (rf"^(\W*)(?:what {_DRIVES}|why|explain|what(?: is|'s) behind|what (?:is|are) the (?:reasons?|causes?) (?:for|of|"
     rf"behind)) (?:the|our) ({_HIGHER}) ([\w-]+(?: (?:rates?|values?))?) ((?:of|for|from|on|in|among|with|via) "
     rf"(?!{_DATED}|{_IN_DAYS}|(?:the )?(?:first|last))[^?.,]+?)(?=\W*$)", r"\1why is the \3 \4 \2"),
    (r"^(\W*(?:is|was|are|were) )((?:sun|mon|tues|wednes|thurs|fri|satur)day)s?( (?:our|the) (?:best|worst|strongest|"
     r"weakest|busiest|quietest|slowest)) (?:week)?days?\b(?! of)", r"\1\2\3 day of the week"),
    (r"\b(new|returning|repeat|existing) (users|visitors|people) (.*) than (?:the )?(new|returning|repeat|existing) "
     r"ones(?=\W*$)",
     r"\1 \2 \3 than \4 \2"),
    (r"^(\W*)(?:have we (?:had|got)|had we|did we (?:have|get)|were there|have there been|was there) (?:no|zero|not a "
     rf"single|not any) (orders?|sales|revenue|sessions|visits|visitors) ({_DATED}[^?]*|on [^?]*)(?=\W*$)",
     r"\1how many \2 did we have \3"),
    (r"\b(?:(?:to|gets? the) blame(?: for (?:it|that|this))?|at fault|the culprit)(?=\W*$)", "responsible"),
    (r"\bhow many (?:buyers|customers) (?:can|should|do) we expect\b(?: in total)?(?! (?:per|an?|each|every|by) )",
     "how many users will buy"),
    (rf"^(\W*)how many (?:{_CARTS} {_ENDS_IN_ORDER}|(?:sessions|visits) with a cart (?:(?:had|have) an? (?:order|"
     r"purchase)|ordered))(?=\W*$| (?:in|on|from|last|this)\b)", r"\1how many sessions added to the cart and ordered"),
    (rf"\b(?:what |which )?(?:share|percentage|proportion|part) of {_CARTS} {_ENDS_IN_ORDER}", "cart to order rate"),
    (rf"\b(?:customers|buyers) (?:from|of) ({_MONTHS}),? (?:who|that) (?:have |had |did )?(?:never|not) (?:c[oa]me|"
     r"been|return(?:ed)?) ?(?:back)?(?: (?:again|since(?: then)?))?(?=\W*$)",
     r"users who bought in \1 but did not visit after \1"),
    # what is done, of sessions, users, orders and carts
    (r"\btraffic (?:that |which |does )?(?=(?:add|put|start|reach|view|look|use)(?:e?s|e?d)? |(?:begin|began)s? )",
     "sessions that "),
    (rf"\b({PEOPLE}) with (?:an? |something in (?:the|their) )(cart|basket|checkout)(?=\W*$)",
     r"\1 who reached the \2"),
    (rf"\b(?:{PEOPLE}) (?:who|that) (?:have )?abandon(?:s|ed)? (?:the|their|an?) (cart|basket|checkout)s?"
     r"(?=\W*$| (?:in|on|last|this|by|per)\b)", r"users who reached the \1 and did not order"),
    # which of those with a cart, and not which of all have one
    (rf"(?<!\w){_OF_CARTS} (?:on )?(mobile|desktop|tablet)\b", r"share of sessions with a \1\2 is on \3"),
    (rf"(?<!\w){_OF_CARTS} (?=(?:from|in|via|through)\b)", r"share of sessions with a \1\2 is "),
    (r"\b(orders|revenue|sales|turnover) (?:that |which )?(?:(?:has|have) )?c[oa]m(?:es?|ing) (?=with (?:an? |any )?"
     r"(?:(?:discount|promo|coupon|voucher)s?\b|more than|at least|several|two|\d))", r"\1 "),
    (r"\b(buyers?|customers?) who (?:c[ao]mes?|return(?:ed)?) (?:back )?(?:and|to) (?:bought|buy|order|ordered) "
     r"again\b", r"\1 who ordered at least twice"),
    (rf"\b(wh(?:ich|at) (?:brands?|products?|items?|categor(?:y|ies)) (?:do|does|did) (?:[\w-]+ ){{0,3}}?(?:{PEOPLE}))"
     r" (?:like|love|prefer|favou?r)(?: (?:the )?(?:most|best))?(?=\W*$)", r"\1 buy"),
    (r"\b(?:the )?us(?:e|age) of (?:the |our )?(?:(?:code|coupon|voucher) ([\w-]+)|([\w-]+) (?:code|coupon|voucher))\b",
     r"orders with the coupon \1\2"),
    (r"\b(from|of|is|are|was|were|by) (?:our )?own (?:house )?brand (?=\w)", r"\1 brand "),
    (r"^(\W*)where do we sell (?:the )?most ([\w' -]+?),? (?:by|per) countr(?:y|ies)(?=\W*$)",
     r"\1which countries buy the most \2"),
    (rf"\b((?:which|what) {_GROUP}) (?:abandons?|abandoned|leaves?|left) (?:behind )?(?:the )?(most|fewest) "
     r"carts\b(?: behind)?", r"\1 has the \3 abandoned carts"),
    (r"\b(before|after) (?:they|people|users|visitors) (?:use|open|visit|go to|view|see|reach|land on) "
     r"(?=(?:the |our )?(?:[\w'-]+ ){1,3}page\b)", r"\1 "),
    # what comes right before or after
    (rf"\b(?:(?:right|immediately|directly|straight) )?(before|after) (?:they|{PEOPLE}) search(?:ed|es)?\b(?! for\b)",
     r"\1 searching"),
    (rf"^(\W*(?:which|what) pages?) (?:do|does|did) (?:{PEOPLE}|they) come from (?:when|before) they (?:open|reach|"
     r"visit|view|see|get to|go to|land on) ([\w' -]+?)(?: page)?(?=\W*$)", r"\1 come before \2 page"),
    (rf"^(\W*)what (?:kinds?|sorts?|types?) of ({PEOPLE}) (read|view|visit|open) ", r"\1describe \2 who \3 "),
    (r"^(\W*what (?:has )?changed) on (?:the|our) (?:web)?(?:site|shop|store)\b", r"\1"),
    (r"\bon (?:someone|somebody|a (?:user|customer|visitor|buyer)|people|users|customers)'?s?'? (?:very )?first (visit|"
     r"session)\b", r"on the first \1"),
    # searches of the site are views of its search pages; what was searched for is not in the data
    (rf"\b(sessions|visits) (?:from|via|through|by|of|after) {_SITE_SEARCH}\b{_ALONE}", r"\1 with a search"),
    (rf"\b(?!(?:sessions|visits|{PEOPLE})\b)({MEASURE}) (?:from|via|through|with|by|of|for|after) (?:an? )?"
     rf"{_SITE_SEARCH}\b{_ALONE}", r"\1 of sessions with a search"),
    (rf"\b{_SITE_SEARCH} (conversion(?: rate)?|revenue|order value|orders)\b", r"\1 of sessions with a search"),
    (rf"\bhow often (?:is|was|are|were|has|have) {_SEARCH} (?:been )?used\b|\b{_NOT_OF_ENGINES}"
     rf"(?:(?:the )?us(?:e|age) of {_SEARCH}|"
     r"(?:(?:the|our) )?(?:(?:on-?)?site |internal )?search us(?:e|age))(?! pages?\b)", "page views of search pages"),
    (rf"(^\W*|(?<!\buse )(?<!\buses )(?<!\bused )(?<!\busing )(?<![\w-])(?!(?:{_NO_SEARCHES})\b)[\w-]+\W+)"
     r"(?:(?:how many|(?:the )?(?:total )?number of) )?"
     r"(?:(?:(?:on-?)?site |internal )?searches\b"
     r"(?! (?:for|on|about|engines?|with|without|that|which|who|bring|lead|from|via|through|at|per (?:session|"
     r"visit)|in (?:google|bing|search))\b)"
     r"(?: (?:did|do|have) (?:we|people|users|visitors|they) (?:have|had|get|make|do|run))?|"
     rf"{_SITE_SEARCH}(?= (?:by|per|over|develop|evolve|trend|going|up|down)\b|\W*$))",
     r"\1page views of search pages"),
    (rf"\b({PEOPLE}) (?:who|that) (?:are|were) (new|returning) (?=(?:bought|ordered|purchased|viewed|added)\b)",
     r"\2 \1 "),
    # users from email who viewed tents; "bought" needs no "who"
    (rf"^(\W*(?:(?:and|so|what|which|is|the|a|out) )*(?:share|percent(?:age)?|proportion|fraction|part|how many|number)"
     rf"(?: of)?(?: (?:the|our|all))* (?:[\w-]+ )?(?:{PEOPLE})(?: (?:from|via|on|in|through|using|of)"
     rf"(?: {_NO_VERB}){{1,4}}?)?) (viewed|saw|looked at|read|visited(?= (?:the|our|an?) )|opened|added|put|reached|"
     r"began|used)\b(?! by\b)", r"\1 who \2"),
    (r"\b(?:use[sd]?|redeem(?:s|ed)?|appl(?:y|ies|ied)|enter(?:s|ed)?) no (?=(?:(?:discount|promo|coupon|voucher) )?"
     r"(?:coupon|voucher|promo|code)s?\b)", "did not use a "),
)  # fmt: skip
