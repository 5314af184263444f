"""Other ways to say what is asked for: of people, visits, orders, money, pages and days, each with its usual words.

They are applied before the days are read and the conditions are taken out, so they leave whole words of the language.
"""

from __future__ import annotations

from beha2vec_core.chat.words.currencies import CURRENCY_WORDS
from beha2vec_core.chat.words.verbs import PEOPLE

# nouns of what is counted, before "a visit", "a day"
_COUNTED = (
    "orders|purchases|sales|visits|sessions|users|visitors|people|customers|buyers|pages|page views|pageviews|views|"
    "items|products|pieces|units|revenue|money|spend|turnover|minutes|times"
)
# "same for mobile": the question before, once more
SAME = (
    r"^\W*(?:(?:and|now|ok|okay|then|please|pls|can|could|you|i|we|want|need|do|show|give|see|get|have|me|"
    r"us)\b\W*)*(?:the |that |this )?(?:(?:very |exact(?:ly)? )?same|ditto|again)(?! (?:period|time|(?:week)?days?|"
    r"date|week|month|quarter|year)\b)(?: as (?:above|before|previously)\b|(?! as\b))(?: (?:that|this|it|thing|story|"
    r"picture|situation|problem|pattern|true|goes|again|question|query|numbers?|figures?|data|chart|graph|table|view|"
    r"one|here))*(?: (?:but|just|only|now|please))*\b"
)
DISPLAY = (  # the verb, else the channel
    r"^(\W*(?:(?:please|pls|can|could|you|to|now|and)\s+)*)display(?:ing)?\b"
    r"(?!\W*$| (?:vs|versus|or|and|traffic|channel|visitors|visits|ads|campaigns)\b)"
)
_UNITS = r"(?:minutes?|mins?|seconds?|secs?|hours?|hrs?)"
_ON_SITE = r"on (?:the |our )?(?:site|website|web ?shop|shop|store)"
CHARGES = r"(?:tax(?:es)?|vat|gst|shipping|postage|delivery (?:fee|charge)s?)"
_WHO_PAYS = r"(?:(?:the|our|all|did|do|does|have|has|had|that|which|was|were|been|is|are|we|get|got|ever) )*"
MAJORITY = "majorityof"  # whether it is more than half: a kind of the grammar
PARAPHRASES: tuple[tuple[str, str], ...] = (
    # what customers pay for shipping is no cost of the shop
    (rf"^(?=.*\b(?:{PEOPLE}|they|orders?) (?:\w+ ){{0,2}}?(?:pay|pays|paid|charged|billed)\b|.*\b(?:paid|charged) "
     rf"(?:by|to) (?:(?:the|our|all) )*(?:{PEOPLE})\b)(.*?)\b(?:shipping|delivery|postage) costs?\b", r"\1shipping"),
    (rf"^(?=.*\b{CHARGES}\b)(?!.*\b(?:we|i|us) (?:pay|paid|spen[dt]|owe)\b)(?!.*\b(?:how many|number of|percent\w*|"
     rf"share|which|what) (?:of )?(?:(?:the|our|all) )*(?:{PEOPLE}|orders)\b)(.*?)\b{_WHO_PAYS}(?:(?:{PEOPLE}|they|"
     r"orders) )?(?:(?:were|was|are|is|have|had|been) )*(?:(?:charg|collect|bill|invoic|levi|add)(?:ed|es|ing|e|s|y)?|"
     r"paid|pays?)\b(?: (?:for|in|on top|by (?:(?:the|our) )?(?:customers|buyers|people|shoppers|users)))?", r"\1 "),
    (SAME, "and"),
    (r"^(?:and |but |so )*(?:is|was) (?:that|this|it) (?:also |still |just as )?(?:true|so|the case|the same|similar|"
     r"valid)(?: (?=(?:for|in|on|with|from|at)\b))(.*?)(?:\b(?:too|also|as well)\b)?\W*$", r"and \1"),
    (r"\bor (?:any )?other (?=ai\b)", "or "),
    (r"\b(spen[dt]|spending|invest(?:ed|ing)?)\b(.*) ads\b", r"\1\2 adverts"),  # what ads cost is no channel
    (DISPLAY, r"\1show"),
    (r"\b(?:product|item) viewers?\b", "those who view a product"),
    (r"\b(?<![/-])(?:ppl|folks?|guys|persons|(?<!\d )person|peeps|peoples|individuals?|guests?|surfers|consumers|"
     r"uniques|(?:web|(?<!samsung )internet|online) (?:users|visitors))\b(?! (?:categor|catalog))", "people"),
    # as traffic, not of orders
    (r"^(?!.*\b(?:is|are|was|were|be|been|still|remain(?:s|ed)?|left|went) (?:un|non[ -]?)paid\b)"
     r"(.*?)\b(?:un|non[ -]?)paid\b(?! (?:orders?|invoices?|bills?|carts?|checkouts?|purchases?)\b)", r"\1organic"),
    (r"\b(?:clients|clientele)\b", "customers"),
    (r"\b(?:visitations?|footfall)\b", "traffic"),
    # of people over all their visits; "left after one page" is of a visit
    (rf"\b({PEOPLE})(?: (?:who|that|have|has|had|did|do|only|just|ever|merely))* (?:look(?:ed)? at|view(?:ed)?|saw|see|"
     r"seen|visit(?:ed)?|open(?:ed)?|read|with)(?: (?:only|just|exactly|ever|merely|a))* (?:one single|one|1|single) "
     r"(?:page ?views?|pages?)(?: only)?\b(?! (?:types?|per|and|then|before)\b)", r"\1 who viewed exactly 1 pages"),
    (r"\b(customer|buyer|user|visitor) base\b(?! ?layer)", r"\1s"),
    (r"\bbuyed\b", "bought"),
    (r"\b(made|placed|done|bought|ordered|purchased) by (?:people|users|visitors)\b", r"\1"),
    (r"\b(what|how) (was|were|is|are) (.*?) like\b", r"\1 \2 \3"),
    (r"^(?!.*\bhow much\b)(.*?)\bspen[dt]s? (?:any |some |their )?(?:money|cash)\b(?! (?:per|each|"
     r"on ads))", r"\1bought"),
    (r"\b(orders?|purchases?|sales) (?:(?:that|which|were|was|are|got|have|has|been|being) )*(?:refunded|"
     r"returned|reimbursed|sent back)\b", r"\1 with a refund"),
    (r"\bu\.?s\.?(?:a\.?)?(?=\s|$)(?<=\.)", "usa"),
    (r"(?<!\w)non ?(?:bouncing|bounced) (?=sessions|visits)", "engaged "),
    (r"\bfill(?:s|ed|ing)? (?:up )?(?:(?:a|the|their|our) )?(?:shopping )?(?:carts?|baskets?)\b", "added to cart"),
    (rf"\b({_COUNTED}) an? (visit|session|order|purchase|user|visitor|head|person|customer|buyer|day|week|month|"
     rf"quarter|" r"year)\b(?! (?:ago|before|earlier))", r"\1 per \2"),
    (r"\b(?:how many|number of) times (?!.*\bback\b)(?:did |do |does |have |has |was |were )?(.*?)\b(?:visit(?:ed|s)?|"
     r"c[oa]mes?)\b(?: us| by| here| back| to (?:us|the (?:site|shop|store|website)))*(?=\W*$| (?:in|on|from|via|"
     r"during|last|this|since|per)\b)", r"how many sessions \1"),
    (r"\bhow many pages (?:did|do|have) (?:people|users|visitors|customers|they)((?: \w+){0,4}?) (?:look(?:ed)? at|"
     r"view(?:ed)?|see|seen|open(?:ed)?|visit(?:ed)?|click(?:ed)?(?: through)?)\b", r"page views \1"),
    (r"\bhow many pages (?:were|are|got) (?:viewed|looked at|seen|opened|visited)\b", "page views"),
    (r"\b(?:pages|views) (?:viewed |seen |visited |opened )(?=per\b)", "pages "),
    (rf"\bhow many {_UNITS}\b(?=(?: on average)? (?:do|does|did|are|is|was|were|an?|the)\b.*\b(?:spen[dt]|stay\w*|last|"
     r"browse|linger|sessions?|visits?)\b)(?!.*\b(?:between|until|till|before|carts?|checkouts?|orders?|buy)\b)",
     "how much time"),
    (rf"\b(?:how many )?(?:engaged |active )?{_UNITS}(?: (?:people|users|visitors|they|spen[dt]s?|engaged|active|"
     rf"of engagement|{_ON_SITE}))* (?=(?:per|each) (?:visit|session)\b)", "engagement time "),
    (rf"\b(?:(?:average|avg|mean) )?{_UNITS}(?: (?:people |users |visitors |they )?spen[dt])? {_ON_SITE}"
     r"(?! (?:per|a|each)\b)", "engagement time"),
    (rf"^(?=.*\b(?:time|duration|length|long|stay|spen[dt]|dwell)\b)(.*?) in {_UNITS}\b", r"\1"),
    (r"\bhow (?:long|much time) (?!.*\b(?:until|till|before|between|carts?|checkouts?|purchas\w+|orders?|"
     r"buy)\b)(?:(?:is|are|was|were|do|does|did)\b)? ?(?:an? |the |our )?(?:average |typical |mean |"
     r"normal )?(.*?)\b(?:(?:session|visit)s?(?: (?:last|take|stay))?(?=\W*$| (?:on|by|from|in|via|for|of|last|this|"
     r"with|per)\b)|(?:spen[dt]s?|stay(?:s|ed|ing)?|stick(?:s|ing)? around|hang(?:s|ing)? (?:around|out)|remain|linger|"
     r"browse|last)\b(?: (?:on|in|at) (?:the |our )?(?:site|website|shop|store|page))?)", r"engagement time \1"),
    (r"\bhow (?:big|large|high|much|expensive) (?:is|are|was|were) (?:an? |the |our )?(?:(?:average|typical|mean) )?"
     r"(?:orders?|purchases?|baskets?|carts?)\b(?! (?:rate|abandon))(?: worth)?(?: on average)?", "average order "
     r"value "),
    (r"\b(?:what|how much) (?:is|are|was|were) (?:an? |the |our )?(?:average |typical )?(order|purchase|user|visitor|"
     r"visit|session|customer|buyer)s?(.*?) worth\b(?: to us)?(?: on average)?", r"revenue per \1 \2"),
    (r"\bhow much (?:money |revenue )?(?:does|do|did) (?:an? |the |our )?(?:average |typical )?([\w-]+ )??(order|user|"
     r"visitor|visit|session|customer|buyer|person)\b(?! (?:and|in total))(.*?)\b(?:bring(?: us| in)?|spends?|"
     r"generates?|yields?|pays?)\b(?: us)?(?: on average)?(?! (?:per|an?|each)\b)", r"revenue per \2 \1 \3"),
    (r"\bhow many (?:items|products|things|pieces|units|articles) (?:are |were |go |does |do |did )?(?:there )?(?:in|"
     r"into) (?:an? |the |our )?(?:average |typical )?(?:order|basket|cart|purchase)s?(?: contain| have)?",
     "items per order"),
    (r"\bhow many (orders|purchases) (?:does|do|did) (?:an? |the |our |each |every )?(?:average |typical )?(?:customer|"
     r"buyer)s? (?:place|make|have)\b(?: on average)?", "orders per buyer"),
    (r"\b(visits?|sessions?|traffic)(?: (?:that|which))? (?:do |does |did )?(?:turns?|turned|leads?|led|results?|"
     r"resulted|ends?|ended|becomes?|became) (?:in|into|to|up in|with|up with)? ?(?:an? )?(?:orders?|sales?|purchases?|"
     r"buyers?)\b",
     r"\1 converted"),
    (r"\bhow often (?:does|do|did) (?:an? |the |our )?(?:visit|session)s? converted\b", "conversion rate"),
    (rf"\b({PEOPLE}) (?:immediately |directly |right away |straight away )?(?:leave|left|leaves|quit) (?:right|"
     rf"straight)? ?" r"(?:away|immediately|directly|at once|instantly|right off)\b", "bounced sessions"),
    (r"\b(?:of the|of these|of those|out of the) two\b", " "),
    (r"^(\W*)how (was|were|did) the weekend\b", r"\1how \2 last weekend"),
    (r"\b(?:pls|plz|thx)\b", "please"),
    (r"\b(is|are|was|were)\b(.*?) (?:just |almost |nearly )?as (?:good|strong|bad) as\b", r"\1\2 better than"),
    (r"\b(which|what) (?!(?:users|people|visitors|customers|shoppers|buyers|sessions|visits)\b)(\w+(?: \w+)?) "
     r"(?:saw|sees|experienced|witnessed)(?= (?:(?:the|our|an?) )*(?:most|more|fewest|fewer|least|less|highest|lowest|"
     r"biggest|largest|best|worst|strongest|smallest|greatest|increase|decrease|drop|rise|growth)\b)", r"\1 \2 had"),
    (r"\b(?:on )?(?:an? |the )?weekend(?:s| days?)? (?:or|than|vs|versus|and|compared (?:to|with)) (?:on |during )?"
     r"(?:an? |the )?(?:(?:normal|regular|ordinary|usual|working) )*week ?days?\b", "weekend vs weekday"),
    (r"(?<!s )(?<!people )(?<!who )(?<!that )(?<!and )(?<!but )\b(?:started|begun|initiated|opened) "
     r"(?=(?:checkouts?|carts?)\b)", ""),
    (r"\b(?:average|mean|avg\.?) (?:(?:selling|sales?|item|product|unit) )?price(?: paid)?(?: (?:for|of)"
     r"(?: (?:an?|the|our))?(?: pairs? of)?)?\b", "item revenue per item sold for"),
    (r"\bas well\b", "also"),
    (r"\b(\w+)[- ]wise\b", r"by \1"),
    (r"\be[- ]commerce\b|\becom\b", "ecommerce"),
    (r"\b(social) (?:networks?|media|platforms?|sites?|networking(?: sites?)?)\b", r"\1"),
    (r"\b(search) engines?\b", r"\1"),
    (r"\b(?:other|external|third[- ]party) (?:web ?sites?|sites?|domains?)\b", "referral"),
    (r"\b(which|what) (?:web ?)?sites?(?= (?:sends?|brings?|brought|refers?|referred|sent|drives?|drove|gives?|"
     r"gave|links?)\b)",
     r"\1 source"),
    (r"\brefers?\b(?= )(?!.* to\b)", "brings"),
    (r"^(\W*)how many (?=(?:visited|viewed|saw|bought|ordered|came|used|added|reached|started|began|initiated|spent|"
     r"looked|opened|returned|converted|paid|purchased|went through|abandoned|searched)\b)", r"\1how many people "),
    (r"(?<!not )(?<!never )(?<!to )\b(?:finish(?:e[sd])?|(?:go|goes|went) through with|conclude[sd]?) (?:an?|the|their|"
     r"any) (?:orders?|purchases?)\b", "bought"),
    (r"\b(?:is|are|was|were) paying(?: us)?\b", "bought"),
    (r"\b(?:left|leave|leaves|leaving|exit(?:ed|s)?|went away|go away)(?: (?:the|our) (?:site|shop|store|"
     r"website))? without (?:(?:buying|ordering|purchasing|converting|paying)(?: (?:anything|something))?|an? (?:order|"
     r"purchase))\b", "did not buy"),
    (r"\b(?:left|leave|leaves) (?=(?:the|their|a) (?:cart|checkout|basket)s?\b(?! page))", "abandon "),
    (r"\bproduct to (?=(?:cart|basket|checkout|order|purchase)\b)", "view to "),
    (r"\bhow long (?:does|do|did|is) (?:it takes? (?:\w+ )?to (?:check ?out|get through (?:the )?checkout)|(?:the |"
     r"our )?checkouts?(?: process)? (?:takes?|lasts?))\b", "how long from checkout to order"),
    (r"\bdifferences? in (.*?) between\b", r"compare \1 of"),
    # of those who buy, not of all people
    (rf"^(\W*(?:do|does|did) )(?:most|the majority|a majority)(?: of)?(?: (?:our|the|all))* (?:{PEOPLE}) (?:buy|order|"
     r"purchase|shop)s? (?=(?:on|from|via|through|with|by|in|at|during)\b)", rf"\1{MAJORITY} share of buyers "),
    (r"\b(?:more|less) than (?:a |one )?(?:half|third|quarter) of\b", "share of"),
    (r"\bfrom where (?:do |does |did )?come (.*?)(?=\W*$)", r"where do \1 come from"),
    (r"\b(with|had|made|placed|have|has) (?:several|multiple) (?=(?:orders|purchases|sessions|"
     r"visits)\b)", r"\1 at least 2 "),
    (r"\b(only|just) (bought|ordered|visited|came|purchased) (once|twice)\b", r"\2 only \3"),
    (r"\bone[- ]time (?:visitors?|users?)\b", "users who visited exactly 1 times"),
    (rf"(?:\bof |\bfor |\bworth )?([$\u20ac\u00a3]?\d[\d.]*(?: ?(?:{CURRENCY_WORDS}|"
     r"[$\u20ac\u00a3]))?) (?:or|and) (?:more|above|over|up)\b(?! (?:orders|purchases|sessions|visits|items|pages|"
     r"page views|products|times))", r"of at least \1"),
    (rf"(?:\bof |\bfor |\bworth )?([$\u20ac\u00a3]?\d[\d.]*(?: ?(?:{CURRENCY_WORDS}|"
     r"[$\u20ac\u00a3]))?) (?:or|and) (?:less|below|under)\b(?! (?:orders|purchases|sessions|visits|items|pages|"
     r"page views|products|times))", r"of at most \1"),
    (r"\b(?:repeat|return|recurring) (?=(?:visits?|sessions?)\b)", "returning "),
    (r"\b(?:first|first[- ]time|new) (visits|sessions)\b(?! (?:and|to|until))", r"\1 of new users"),
    (r"\bend(?:s|ed)? up (?:paying|ordering|converting|checking out)\b", "buy"),
    (r"\bold (?=(?:visitors?|users?|customers?|buyers?|ones)\b)", "returning "),
    (r"\bre-?orders\b", "repeat orders"),
    (r"\b(?:newly )?acquired (?=(?:customers|users|visitors|buyers)\b)", "new "),
    (r"\b(?:new )?(customers|visitors|buyers|users) acquired\b(?! (?:by|through|via))", r"new \1"),
    (r"\b(customer|user|visitor|buyer) acquisition\b(?! (?:cost|channel|source))", r"new \1s"),
    (r"\b(?:gotten|become|became|grown) (?:any )?(?:worse|better|higher|lower|bigger|smaller|stronger|"
     r"weaker)\b", "changed"),
    (r"\bhow (?:fast|quickly) (?=(?:is|are|did|do|does|has|have)\b.*\bgr[eo]w)", " "),
    (r"\bwhat accounts? for (?=the\b)", "why "),
    (r"\b(which|what) (\w+(?: \w+)?) (?:is|are|was|were) (?:behind|responsible for|to blame for|the (?:reason|cause) "
     r"(?:for|of|behind)) (it|that|this)\b(?=\W*$)", r"\1 \2 drove \3"),
    (r"\bwhat(?: was| were| lies| stands| is)? behind\b", "what is behind"),
    (r"\b(?:highest|top|best|most)[- ](?:grossing|earning|lucrative)\b", "highest revenue"),
    (r"\bmost (?:read|opened|seen) (?=pages?)|\bmost (?:read|opened|seen)(?=\W*$)", "most viewed "),
    (r"^(\W*)what (?=sells?\b|sold\b)", r"\1which items "),
    (r"\b(?:were|was|got) (?:bought|purchased)\b(?! (?:by|together|with))", "sold"),
    (r"(?<=[a-z])/(?=(?:session|visit|user|order|visitor|customer|buyer|day|week|month)\b)", " per "),
    (r"\bvalue of an? (visit|session|visitor|user|customer|buyer|order)\b", r"revenue per \1"),
    (r"\bhow many (?:out )?of (?:every )?(?:100|a hundred|hundred|10|ten|1000)\b", "what percent of"),
    (r"\b(?:size of|head ?count of) (?=(?:the |our )?(?:audience|users|visitors|people)\b)", "number of "),
    (r"\bhow much business (?:did|do|have) we (?:do|done)\b", "revenue"),
    (r"\bhow much (?:money )?(?:was|is|were|has been) (?:spent|paid|earned|made|taken in)\b(?!.*\b(?:ads?|adwords|"
     r"advertis\w+|marketing|campaigns?|ppc)\b)", "revenue"),
    (r"\b(?:peak|busiest|rush) times?(?: of (?:the )?day)?\b", "busiest hour"),
    (r"\bhigh[- ]value (customers?|buyers?|clients?|shoppers?)\b", r"top \1"),
    (r"\b(?:big|heavy|high) spenders\b", "top spenders"),
    (r"\b(buy|buys|buying|bought|ordered|purchased?|purchasing|shop|shopped|shopping)( anything|"
     r" something)? (?:from|with|at) us\b",
     r"\1\2"),
    (r"(?<=vs )us\b|(?<=vs\. )us\b|(?<=versus )us\b|\bus(?= (?:vs\.?|versus) (?!them))|(?:^|(?<=\bof )|(?<=\bfrom )|"
     r"(?<=\bby )|(?<=\band )|(?<=\bor )|(?<=\bmany )|(?<=\bnot )|(?<=\bnon )|(?<=\bnew )|(?<=\breturning )|"
     r"(?<=\ball )|(?<=\bour ))us(?= (?:visitors?|users?|customers?|buyers?|shoppers?|people|orders?|sales|revenue|"
     r"sessions?|visits?|traffic|conversion|market)\b)", "usa"),
    (r"\bwhere (?:do|did|does) (?:(?:most|our|the) )*(?:people|users?|visitors?|customers?|sessions|visits|"
     r"they) (?:usually |mostly )?(?:land|enter|start|arrive|begin)\b(?: (?:on|at|in))?(?: (?:the|our) (?:site|website|"
     r"shop|store))?(?=\W*$|[?.,;]| (?:in|on|from)\b)",
     "top landing pages"),
    (r"\b(?:which|what) pages? (?:do|did) (?:people|users|visitors|customers|they) (?:land|start|enter|begin|"
     r"arrive)(?: (?:on|at|in))?(?: first)?\b", "top landing pages"),
)  # fmt: skip
