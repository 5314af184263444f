"""Idioms of the customer journey, of people and of causes: "where do they bail", "clock up", "who brings the cash"."""

from __future__ import annotations

from calendar import month_name

from beha2vec_core.chat.words.verbs import PEOPLE

_WHO = rf"(?:{PEOPLE}|ppl|folks|persons|guys|clients|they|someone|somebody|a (?:visitor|user|customer|person|buyer))"
_LOSE = "at which step do we lose the most people"
_STEP = r"(?:step|stage|moment|point|place|leak|hole|bottleneck|drop[- ]?off|weak spot|problem|obstacle)"
_STOP = (
    r"(?:stop|quit|give up|leave|bail(?: out)?|drop(?: off| out)?|go away|disappear|vanish|get stuck|fall (?:off|"
    r"out|away))"
)
_PATH = r"(?:path|way|route|journey|road)"
_PROCESS = r"(?:funnel|checkout|process|site|shop|path|journey|way|track|line)"
_MONTHS = "|".join(map(str.lower, month_name[1:]))
_PERIOD = rf"(?:{_MONTHS})(?: 20\d\d)?|last (?:week|month|quarter|year)|q[1-4](?: 20\d\d)?"
_SIZE = r"(?:part|piece|share|slice|chunk|portion|percentage|fraction|proportion)"
_PERCENT = r"(?:percent|per cent|%|pct)"
_NOTHING = (
    r"(?:(?:do|does|did|buy|buys|order|orders) )?(?:nothing|leave|leaves|go away|goes away|stop|stops|disappear|vanish)"
)

# what stands before or after a question and is none of it
_AROUND: tuple[tuple[str, str], ...] = (
    (r"^\W*(?:(?:hi|hey|hello|ok|a|just|one)\W+)*quick(?:ie)?\b(?: (?:one|question|thing))?(?:[^:?]|:(?=\d))"
     r"*:\s+(?=\w+ \w+)", ""),
    (rf"^(\W*)when(?:ever)? (?:an? |the |our )?(?:{PEOPLE}|someone|somebody|they) ([^,?]+), ([^?]+)",
     r"\1\3 of users who \2"),
    (r"\bs?h[e]\b(?!')", "they"),
    # who did something in one period, and not after it
    (rf"\b((?:bought|ordered|purchased|buyers?|customers?)\b.*?) (in|during) ({_PERIOD}),? (?:but|and|yet) "
     r"(?:(?:who|they) )?(?:(?:have|has|had|did) )?(?:never|not) (?:ever )?(?:been|c[oa]me|returned?|visited|seen)"
     r"(?: (?:here|back|again|(?:ever )?since(?: then)?|after that|any ?more))*(?=\W*$)",
     r"\1 \2 \3 but did not visit after \3"),
    (rf"\b(in|during) ({_PERIOD}),? (?:but|and|yet) (?:(?:who|they) )?(?:(?:have|has|had|did) )?(?:never|not) (?:ever"
     r" )?(?:bought|buy|ordered?|purchased?)(?: (?:anything|again|(?:ever )?since(?: then)?|after that|any ?more))+"
     r"(?=\W*$)",
     r"\1 \2 but did not order after \2"),
    (rf"\b(in|during) ({_PERIOD}),? (?:but|and|yet) (?:(?:who|they) )?(?:(?:have|has|had|did) )?(?:never|not|nothing)"
     r"(?: (?:ever|been|c[oa]me|bought|buy|order|ordered|returned?|visited|purchased?|seen))*(?: (?:here|anything|"
     r"back))* ?(?:ever since|since(?: then)?|afterwards?|after (?:that|this|it)|thereafter|any ?more|again)(?=\W*$)",
     r"\1 \2 but not after \2"),
    (rf"\b((?:came|visited|bought|ordered|were|was)\b.*) (in|during) ({_PERIOD}),? (?:and|but|yet) (?:(?:who|they) )?"
     r"(?:(?:have|has|had|did) )?(?:never|not) (?:returned?|c[oa]me (?:back|again)|been back)(?=\W*$)",
     r"\1 \2 \3 but not after \3"),
    (r"\bwho(?:s|'s| is) (?=(?:bought|ordered|visited|purchased|viewed|used)\b)", "who "),
    (r"\b(?:and|then) (?:are |is )?(?:then )?gone(?: again)?(?=\W*$)", ""),
    (r"^\W*(?:my|our|the) \w+ (?:wants?|needs?|asks?|asked|would like)(?: for)?[^:?,]*:\s*", ""),
    (r"^\W*i(?: am|'m)? (?:preparing|writing|making|building|working on|doing)\b[^?]*? and (?:i )?(?:need|want|have|"
     r"would like|like) to know\b", ""),
    (r"^\W*i(?: am|'m) asking (?:me|myself)\b", ""),
    (r"^\W*i (?:must|have to|need to|will|want to|am going to|'?ll) (?:prepare|present|write|make|build|fill|finish|"
     r"report|give|send|show|create|do)\b[^.?!]*[.!]\s+(?=\w)", ""),
    (r"[?.]\s*(?:(?:a |the )?(?:rough|round|exact|precise) |(?:give|i need|i want)(?: me)? (?:the |an? )?(?:exact|"
     r"rough|round|precise) )(?:number|figure|estimate|%|percent(?:age)?|value)s?(?: (?:is|are|will be|"
     r"would be) (?:fine|ok|okay|enough|good|perfect))?\W*$", "?"),
    (r",? *(?:because |as )?i need (?:it|this|that|them) (?:for|by|in|until)\b[^?]*$", ""),
    (r"\bi mean\W*$", ""),
    (r",? or not\W*$", ""),
    (r"\b(top \d+|top ten|top five) (?:is|are|will be|would be) (?:enough|fine|ok|okay|good|plenty)\b", r"\1"),
    (r"\bend(?:s|ed)? (?:up )?in (?:an?|the) (order|purchase|sale)\b", "converted"),
    (r",? or (?:(?:did|does|do|is|are|was|has|have) )?(?:it|they|that|things?)? ?(?:stays?|stayed|remains?|remained|"
     r"is|are|was|"
     r"were|kept|hold|held)? ?(?:about |more or less |roughly )?(?:the )?(?:same|stable|unchanged|flat)\W*$", ""),
    (r",? (?:typically|usually|normally|generally|in general|as a rule)\W*$", ""),
    (r",? (?:for me|for us)?,? in (?:one|two|three|a few|\d) (?:sentences?|words|lines)\W*$", ""),
    (r"^(\W*(?:(?:please|can you|could you) )*)(?:profile|characteri[sz]e|portray) "
     r"(?=the |our |my |\w+ who)", r"\1describe "),
    (r"^(\W*describe) (?:me|us|for me|for us)\b", r"\1"),
    (r"\b(explain|tell)(?: it)?(?: to)? (?:me|us),? (?=why\b|how come\b)", ""),
    (r"^\W*(?:can|could|would) you (?=why\b|how come\b)", ""),
    (r",? (?:a lot )?like (?:crazy|mad|hell)\b", ""),
    (r", all (\w+?)s? (?:together|combined|added up)\b", ""),
    (r", (?:in )?(?:units|items|pieces|orders|sessions|visits|users|people),? not (?:in )?(?:units|items|pieces|orders|"
     r"sessions|visits|users|people)\b", ""),
    (r"\bsince (?:we|you|the (?:shop|site|store)) (?:started|opened|launched|began|went (?:live|online)|(?:are|is) "
     r"(?:live|online))\b", "so far"),
    (r"\b(?:since|from) day (?:one|1)\b", "so far"),
    (r"^\W*i(?:'m| am) (?:just )?(?:curious|wondering)(?: to know| to see)?(?: about)?,? ", ""),
    (r"\? i have the (?:feeling|impression)(?: that it is| that)? (since \w+)\W*$", r" \1?"),
    (r",? (?:with enough|that have enough|only where there (?:is|are) enough) (?:visits|sessions|traffic|data|"
     r"orders|users)\b",
     ""),
    (r",? (?:but )?only (?:the )?(?:big|large|main|important|relevant) ones\b", ", only the biggest ones"),
)  # fmt: skip
# short forms and near words
_WORDS: tuple[tuple[str, str], ...] = (
    (r"\bw/ ?out\b", "without"),
    (r"\b(?:nbr?|#) of\b", "number of"),
    (r"\b(?:qty|quantit(?:y|ies))(?: (?:sold|of items sold))?(?: of)?\b", "items sold of"),
    (r"\bhead ?count of\b", "number of"),
    (r"\bpage-?views\b", "page views"),
    (r"\b(did|do|does|are|is|we|we're|not|and|to) loos(e|es|ing)\b", r"\1 los\2"),
    (r"\b(sessions|visits|users|orders|sales|revenue|traffic|views) n (sessions|visits|users|orders|sales|revenue|"
     r"traffic|views)\b", r"\1 and \2"),
    (r"^(\W*)y (?=(?:is|are|do|does|did|has|have|was|were)\b)", r"\1why "),
    (r"\b(\d+) ?x or more\b", r"at least \1 times"),
    (r"\b(affiliates?|partners?|referral) (?:program(?:me)?s?|schemes?|network)\b", r"\1"),
    (r"\b(?:for|in|of|by) (?:one|a|an|each|every|a single) (visit|session|order|user|visitor)s? (?:in|on) average\b",
     r"per \1 on average"),
    (r"\b(number of pages|page views) by (visit|session)\b", r"\1 per \2"),
    (r"\bby (?:the )?order\b(?=.*\b(?:more|less|most|average)\b)|(?<=more )by order\b|(?<=most )by order\b",
     "per order"),
    (r"\b(?:how many|number of) (?=(?:page views|pages|orders|items|sessions|visits) per (?:visit|session|"
     r"order|user|visitor)\b)",
     ""),
    (r"\bhow comes (?:it )?(?:that )?", "how come "),
    (r"\b(?:just|shortly) before (?=they|the|buying|an? )", "right before "),
    (r"\b(did|has|have) (.+?) (?:get|got|become|gotten) (?:better|worse|bigger|smaller|higher|lower) from (\w+) to "
     r"(?=\w)",
     r"\1 \2 change from \3 to "),
    (r"\b(?:people|users|visitors|customers) from (\w+(?: search| social)?) or (?:people|users|visitors|customers) "
     r"from (?=\w)",
     r"from \1 or from "),
    (r"\bbetween (\d{1,2}) and (\d{1,2}) in the (?:evening|afternoon)\b", r"between \1 pm and \2 pm"),
    (r"\bbetween (\d{1,2}) and (\d{1,2}) in the morning\b", r"between \1 am and \2 am"),
    (r"\bclock(?:ed|s)? up\b", "have"),
    (r"^(\W*(?:(?:please|can you|could you|would you) )*)(?:detail|itemi[sz]e|spell out) "
     r"(?=the |our |my |\w+ revenue)", r"\1show "),
    (r"\b(is|are|was|were) (.+?) bringing (more|less|fewer|better|worse)\b", r"\1 \2 getting \3"),
    (r"\b(cluster|segment|group) (?:holds|contains|counts)\b", r"\1 has"),
    (r"\b(office|school|desk) supplies\b", r"\1"),
    (r"\buse(s|d)? (?:a lot|often|very much|much|frequently) the search\b", r"use\1 the search"),
    (r"\b(?:visited|visits?|came|come|comes|were|was|been)(?: back| here| to us)? (?:twice|2 times|two times) "
     r"or more\b",
     "visited at least 2 times"),
    (r"\btwice or more\b", "at least 2 times"),
    (r"^(?!.*\b(?:clusters?|segments?|groups?|personas?)\b)(.*?)\b(?:got|gets?|hits?|met|meets?|r[au]ns? into|"
     r"encounter(?:s|ed)?|faced?|receive[sd]?|bump(?:s|ed)? into|s[ae]w|sees?|seen) (?:an? |any )?(?:404|"
     r"error)s?(?: (?:pages?|messages?|codes?|errors?))?\b", r"\1saw an error page"),
    (r"[\"'\u201c]?\b(?:(?:pages?|urls?)(?: (?:was|were|is|are|be|could be|can be|that))*[- ]not[- ](?:be )?found|"
     r"not[- ]found(?= (?:pages?|errors?|messages?))|(?:broken|dead) (?:links?|pages?|urls?))\b[\"'\u201d]?"
     r"(?: (?:pages?|errors?|messages?))*", "error page"),
    (r"\b404(?:s| pages?| errors?| error pages?)?\b", "error page"),
    (r"\b(?:how many|number of) views of (?=(?:the )?error page)", "how many page views of "),
    (r"^(\W*(?:number of |show |the )*)error pages (by|per|over)\b", r"\1error page views \2"),
    (r"\bcategor(?:y|ies) of (?:the )?(product|item)s?\b", r"\1 category"),
    (r"\b(?:separated|grouped|classified|sliced|carved up|organi[sz]ed|arranged|subdivided|stacked|split up|split|"
     r"itemi[sz]ed|cut) (?:by|per|into|according to)\b", "by"),
    (r"\bin (sessions|visits|users|orders|revenue|sales|traffic|page views) and also in "
     r"(sessions|visits|users|orders|revenue|sales|traffic|page views)\b", r", \1 and \2"),
    (r"\b(evolution|development|trend|curve|evolv\w+|develop\w*|progress)\b(.*?)\b(?:over|along|during|through|"
     r"throughout|across) the (?:year|months)\b(?! ?20)", r"\1\2 by month"),
    (r"\bwith (?:the )?time\b(?=\W*$)", "over time"),
    (r"\bpeak of\b", "most"),
    (r"\bweekends? (and|vs\.?|or|versus|against|than|to) (?:the )?(?:week|weekdays?)\b(?! of\b)", r"weekend \1 "
     r"weekdays"),
    (r"\b((?:h[12]|q[1-4])(?: ?'?\d{2,4})?) ?/ ?(?=(?:h[12]|q[1-4])\b)", r"\1 vs "),
    (r"^\W*i (?:do not|don'?t|cannot|can'?t|can not) (?:understand|see|get|explain) why\b", "why"),
    (r"\bthan (?:the )?(?:ads|adverts|advertising)\b", "than paid channels"),
)  # fmt: skip
_COUNTS: tuple[tuple[str, str], ...] = (
    (r"^(\W*)did (?:we|you|the (?:shop|store|site)) (?:get|have|make|receive|see|reach|take|win) (?:(?:more|less|"
     r"fewer) than|over|under|at least|even) \d[\d.,]* (?=[a-z])", r"\1how many "),
    (rf"\bhow (?:many times|often) (?:did |do |does |have |has |were |was )?(?:the |our )?{_WHO} (?:use[ds]?|using) "
     r"(?:the |our )?(?:site |shop )?search(?: (?:of|on|in) (?:the |our )?(?:shop|site|store)| function| box| bar)?",
     "how many page views of the search page"),
    (rf"\bhow (?:many times|often) (?:did |do |does |have |has |were |was )?(?:the |our )?{_WHO} (?:land(?:ed)? on|see|"
     rf"saw|seen|" r"hit|open(?:ed)?|view(?:ed)?|visit(?:ed)?|end(?:ed)? up on|r[au]n into|reach(?:ed)?|look(?:ed)? at|"
     r"met|meet|get|got) ((?:[\w-]+ ){1,4}pages?)\b", r"how many page views of \1"),
    (rf"^(\W*)(?:did |has |have )?(?:anyone|anybody) (.*?)\?\s*(?:and )?(?:if so,? )?how many(?: (?:{PEOPLE}))?\W*$",
     r"\1how many people \2?"),
    (r"\b(visits|sessions|users|visitors|people|those) (?:that|which|who) (?:began|begin|start(?:ed)?|entered|"
     r"arrived) (?:on|at|with) ", r"\1 landing on "),
    (r"\b(?:how many|number of) (?:different|distinct|unique|individual) (products|items|articles) (?:(?:were|was|got|"
     r"have been|are) )?(?:ever )?(?:bought|sold|ordered|purchased)\b", r"how many different \1 did we sell"),
)  # fmt: skip
_SHARES: tuple[tuple[str, str], ...] = (
    (rf"\b(?:out )?of (?:every |each )?(?:10|100|1000|1,000|ten|(?:a |one )?(?:hundred|thousand)) ((?:{PEOPLE}|visits|"
     rf"sessions|" r"orders|purchases))\b(.*?),? how many(?: of (?:them|those|these))?\b", r"what percent of \1\2"),
    (rf"\bhow (?:large|big|high|great) (?:is|was) the {_SIZE}(?: (?:that|which))? (.+?) (?:has|have|had|takes?|"
     rf"holds?) (?:in|of) ",
     r"share of \1 in "),
    (rf"^(\W*)(?!.*\b(?:what|which|how)\b.*\b(?:what|which|how)\b)(.+?) (?:represents?|makes? up|accounts? for|"
     rf"contributes?|is|are|=) (?:how (?:many|much) {_PERCENT}|what (?:{_PERCENT}|{_SIZE})) of (.+?)(?: (?:that|"
     rf"which) (?:are|is|were))?(\W*)$",
     r"\1what percent of \3 are \2\4"),
    (r"\bweight of (.+?) (?:vs\.?|versus|against|compared (?:to|with)) the rest\b", r"share of \1"),
    (r"\brate of aband\w+ (?:for|of|at|in) (?:the |our )?(cart|basket|checkout)s?\b", r"\1 abandonment rate"),
    (r"\bnew (?:vs\.?|versus|and|or) returning,? (?:(?:visitors|users) )?in (?:%|percent)", "share of sessions by new "
                                                                                            "or returning"),
    (r"\b(?:is |are |was |were )?c[oa]m(?:e|es|ing)(?: back)?(?: to us)? (?:for )?a (?:second|2nd) time\b",
     "visited at least 2 times"),
    (r"\bhow much of (?:our |the |all )?(\w+ (?:traffic|visits|sessions|orders|revenue|sales)) "
     r"(?:arrives?|comes?|came|is|are|goes|happens?) (?:by|from|via|through|on) (?:the )?([\w ]+?)(?=\W*$|,)",
     r"what is the share of \2 in \1"),
    (rf"\bhow (?:many|much) {_PERCENT} (?:from|of) ", "what percent of "),
    (rf"^(\W*)((?:in|for|on|among|within) [\w ]{{2,30}}?),? ((?:what|how (?:big|large|high))(?: is|'s|"
     rf" was)? (?:the )?(?:{_SIZE}) of " r"[\w ]+?)(\W*)$", r"\1\3 \2\4"),
    (r"\bbounce(?: rate)? (?:of|on|for|at) (?:the |our )?(home|start|front)(?: ?page)?\b", "bounce rate for sessions "
                                                                                           "landing on the home page"),
)  # fmt: skip
_STEPS: tuple[tuple[str, str], ...] = (
    (rf"\b(?:what|which)(?: is|'?s| are)? (?:(?:our|the|my) )*(?:worst|weakest|biggest|leakiest|"
     rf"most leaky) {_STEP}(?: (?:in|of|on|along) (?:the |our )*(?:\w+ )?{_PROCESS})?(?: (?:before|until|till|"
     rf"to) (?:the |a |an )?(?:purchase|order|buying|sale|" r"payment))?", _LOSE),
    (rf"\b(?:at|on|in) (?:which|what) {_STEP} (?:do|did|does) (?:(?:most|the|our) )*{_WHO} {_STOP}\b", _LOSE),
    (rf"\b(?:conversion|purchase|buying|shopping) {_PATH} (?:for|of|on|by|from|with)\b", "funnel for"),
    (r"\b(?:the )?steps (?:to|until|towards|up to) (?:a |the |an )?(?:purchase|order|buying|sale)\b", "funnel"),
    (r"\b(cart|basket|view|checkout|product) 2 (cart|checkout|order|purchase|view)\b", r"\1 to \2"),
    (r"^(\W*)(?:and )?((?:[\w-]+ ){1,8}?[\w-]+), how far (?:do|did|does|have) (?:they|those|these)\b.*$",
     r"\1funnel for \2?"),
    (rf"\bhow far (?:do|did|does|have) (.+?) (?:arrive|arrived|get|got|gotten|come|go|gone|make it|reach)(?: (?:in|"
     rf"down|through|along|into|on) (?:the |our )?(?:\w+ )?{_PROCESS})?(?=\W*$| (?:in|on|from|by|during|last|this)\b)",
     r"funnel for \1"),
    (r"\bof them (?=who\b|that\b)", "of those "),
    (r"(?:\b(?:are|is|were|was|have|has|been) )?\b(?:finishing|completing|finished|completed|concluding|"
     r"finish|finishes|complete) (?:it|theirs|it all)\b", "order"),
    (r"^(\W*)having (.+?), how many\b", r"\1of those who \2, how many"),
    (r"\b(?:added|put) to (?:the )?(cart|basket)", r"added something to the \1"),
    (r"\bnever (?:even |ever )?(?:opened|started|saw|got to|reached) (?:the |a )?checkout\b", "did not reach the "
     "checkout"),
    (r"\bopen(s|ed)? the checkout\b", r"start\1 the checkout"),
    (rf"\bhow many(?: {_WHO})? (?:open|fill|start|use|have|make)(?:ed|s)? (?:the|a|their) (?:cart|basket) and then "
     rf"{_NOTHING}\b",
     "how many users have a cart but no order"),
    (r"\b(?:survives?|survived|makes? it|gets?|lasts?) (?:until|till|to|through to|up to|all the way to|"
     r"as far as) (?:the )?(?:thank[- ]?you|confirmation|order confirmation|success) page\b", "order"),
    (rf"\bget (?:any )?(?:further|farther)(?: (?:down|along|in|through|on) the (?:\w+ )?{_PROCESS})?(?= than\b)",
     "convert better"),
    (r"\b(?:feeds?|fuels?) (?:the |our )?(checkout|cart)s?(?: (?:the )?(?:best|most))?(?=\W*$)", r"have the highest "
     r"\1 rate"),
    (r"\bis (?:the |our )?((?:[\w-]+ ){1,3}page) a dead[- ]end\b", r"where do people go after the \1"),
    (r"^(\W*)(?:the |our )?((?:[\w-]+ ){1,3}page)\s*[-\u2013\u2014,:]+\s*how many (?:continue|go on|stay|carry "
     r"on)\b.*$",
     r"\1where do people go after the \2?"),
    (r"^(\W*)if (?:someone|somebody|a (?:user|visitor|customer|person)|people|they) (.+?),? (?:does|do|will) "
     r"(?:\w{2,4}|that person) (?:(?:still|also|then|later|really|ever) )*(order|buy|come back|return|purchase)\b",
     r"\1of those who \2, how many \3"),
    (r",? (?:but )?only (?:where|if|when|for those where) there (?:were|are|was|is) (at least|more than) (\d+) ",
     r" with \1 \2 "),
    (rf"\b(?:what|which) (?:is |are )?(?:the )?(?:most )?(?:common|typical|usual|frequent|popular|normal) {_PATH}s? "
     rf"to (?:an? |the )?"
     r"(?:order|purchase|buying|sale)\b(?:.*?step by step)?(?: (?:is|are))?(?:,? step by step)?", "which steps lead "
     "to orders"),
)  # fmt: skip
_OF_PEOPLE: tuple[tuple[str, str], ...] = (
    (r"^(\W*)when (?=.*\bmost active\b)(.*?) (?:during|in|over) (?:the|a) day\b", r"\1at what hour \2"),
    (rf"^(?=.*\b(?:when|hours?|times?|days?|weekdays?|weeks?|months?)\b)(.*?)\b(?:are|is|were|was) "
     rf"(?:(?:our|the|most|all) )*{_WHO} (?:the )?(most|least) active\b", r"\1 \2 sessions"),
    (r"^(\W*)who (?:\w+ly )?(?:reads?|(?:is|are) reading) ([^,?]+?),? (?:and|but) (?:do|did|have) (?:they|those|these|"
     r"the|such)(?: (?:readers|people|users|visitors|ones))?(?: (?:ever|also|actually|really|then|later|eventually))* "
     r"(buy|bought|order|ordered|purchase|purchased|convert)(?: (?:anything|something))?\W*$",
     r"\1how many users who read \2 \3?"),
    (r"^(\W*)who (?:\w+ly )?(?:reads?|(?:is|are) reading) (?!.*\b(?:and|but) )", r"\1describe users who read "),
    (r"^(\W*)(.+?)(?:,|:| -)? (?:what (?:kind|sort|type)s? of )?(?:people|persons|what people|users|who|what) (?:are|"
     r"r) they(?:, where from)?\W*$", r"\1describe \2"),
    (r"^(\W*describe )(?:the |our )?bouncers\b", "sessions with only one page by channel"),
    (r"\b(?:does |do )?whom? (?:do |did )?(?:we lose|leaves?(?: us)?) after (?:only |just )?(?:a single|one|1) page\b",
     "sessions with only one page by channel"),
    (r"\b(?:which (?:users|visitors|customers|people)|who) (?:(?:have|has) )?(?:visited|visit|visits|came|come|"
     r"comes)(?: to)?(?: us)? (?:the )?most(?: often| frequently)?,? and (?:did|do|"
     r"have) they (?:ever )?(?:order(?:ed)?|buy|bought)(?: (?:something|anything))?",
     "top users by sessions and orders"),
    (r"\bwho(?: has|'s| have|'ve)? been (?:here|(?:on|to) (?:the|our) (?:site|shop|store|website))\b", "who visited"),
    (r"^(\W*describe .*?\b(?:who|that)) abandon(?:s|ed)? (?:the|their|a) checkouts?", r"\1 began checkout and did "
     r"not order"),
    (r"\bc[oa]m(?:e|es) (?:only |just )?(?:one time|once)(?:,? (?:and|but) (?:then )?never(?: (?:come|came|"
     r"comes) back)?(?: again)?)?(?=\W*$)", "visited exactly 1 times"),
    (r"\bwho (?:goes to|visits|reads|opens|views|looks at|uses) (.+?), (?:existing|old|returning|known) (?:customers "
     r"|users |visitors "
     r"|ones )?or new(?: ones| customers| users| visitors)?\b", r"how many users viewed \1 by new or returning"),
    (r"\b(?:main|typical|different|biggest|basic) (types|kinds|sorts) of (?:users?|visitors?|customers?|people)\b",
     r"\1 of users"),
    (r"\b(which (?:group|cluster|segment)(?: of (?:users|visitors|people|customers))?) is (?:the )?(?:most "
     r")?worth(?: the)?(?: most)?"
     r"(?: money)?(?: (?:to|for) us)?(?: to target\b.*)?(?=\W*$)", r"\1 has the highest revenue per user"),
    (r"^(\W*)(?:which|what) (?:(?:kinds?|types?|sorts?) of )?(browser|device|operating system|platform)s? (?:do|does|"
     r"did|have|has) (?:they|people|users|visitors|customers|our (?:users|visitors|"
     r"customers))?\s*(?:the )?(\w*?)\s*(?:use|have|prefer|run|like)?(\W*)$", r"\1users by \2 \3\4"),
    (r"^(\W*(?:give|show|send|make)?(?: me)?(?: please)?(?: a)? ?)list (?:with|of) (?:the |all (?:the )?)?(.+?) and "
     r"how many (\w+) each(?: one| of them)? (?:has|have|had|got|gets|brings|brought)\b", r"\1\3 by \2"),
    (r"^(\W*)(.*\breferrals?),? from (?:which|what) (?:web)?sites?\b(?: exactly)?", r"\1\2 sessions by source"),
    (r"\bwhat (?:are|do|did) (?:people|they|users|customers|visitors) (?:buy|buying|bought|order|ordering|"
     r"ordered)\??,? (by|per) (?=(?:product |item )?(?:category|brand))", r"items sold \1 "),
    (r"\b(?:most|our|the) people go(?:es)? out (?:of|from) (?:the |our )?(site|shop|store)\b", r"people leave the \1"),
    (r"\bfrom what places and on which devices\b", "which countries and devices"),
)  # fmt: skip
_COMPARED: tuple[tuple[str, str], ...] = (
    (r"(?:,|\?|\band|\bso)\s*(?:who|which(?: one)?(?: of (?:the two|them|both))?) (?:wins?|won|is winning|"
     r"is the winner|comes out on top|is ahead|leads?|is leading)(?: (?:in|on|by|for|at|with))?\b", ", "),
    (r"^(\W*)(?:do|does|did) (?:the |our )?(.+?) (?:look at|view|see|open|visit|read) (?:more|fewer|less) pages "
     r"than (?:the |our )?",
     r"\1pages per session \2 vs "),
    (r"\bwho (?:is |are )?(?:spend(?:s|ing)?|pay(?:s|ing)?) more per order,?", "revenue per order,"),
    (r"\bwhat sells (better|best|more),? (?=[\w ]+ or )", r"which sells \1, "),
    (r"\bstay(?:s|ed|ing)? (longer|shorter)(?: (?:on|in|at) (?:the |our )?(?:site|shop|pages?|store))?",
     "have higher engagement time"),
    (r"^(\W*)put (.+?) (?:next to|beside|up against|against|side by side with|alongside) (.+?)(?=[:?,]|$)",
     r"\1compare \2 and \3"),
    (r"^(\W*)((?:[\w-]+ ){1,3}?[\w-]+) (?:against|vs\.?|versus|and) ((?:[\w-]+ ){1,3}?[\w-]+?)[,:]? (?:in (?:what|"
     r"which ways?)|how|where) (?:are|do|did) they (?:different|differ)\b", r"\1how are \2 different from \3"),
    (r"^(.*\w),? (?:(?:was|is) there |did we (?:see|have) |do we (?:see|have) |do you see )?any (?:spikes?|bumps?|"
     r"jumps?|dips?|drops?|peaks?|changes?|effects?)\W*$", r"\1 compared to the period before?"),
)  # fmt: skip
_LISTS: tuple[tuple[str, str], ...] = (
    (r"^(\W*)what (do|does|did) (?!we\b|you\b|they\b|i\b|the (?:shop|store|site)\b|people\b)(?:(?:the|our) )?"
     r"(?:brand |label )?([\w &'-]{2,30}?) sell\b(?! (?:the )?(?:most|best|more|better|least))",
     r"\1which items \2 \3 sell"),
    (r"^(\W*)what (do|did) we sell (from|of|by|under) ", r"\1which items \2 we sell \3 "),
    (r"^(\W*(?:what|which|list|show|give)\b.*?),? (?:and )?how (?:much|many)(?: (?:pieces|units))?(?: (?:do|did) we "
     r"sell| (?:were|was|is|are) sold)? of (?:each|every one)(?: one| product| item| of (?:them|these|those))?(?=\W*$)",
     r"\1"),
)  # fmt: skip
_CAUSES: tuple[tuple[str, str], ...] = (
    (r"^(\W*)(?!.*\b(?:why|how come)\b)(.+?),? (?:(?:any |what(?: is|'?s) the |the )?(?:reasons?|cause|explanation)|"
     r"why(?:'?s| is) (?:that|this|it)|why (?:that|this))\W*$", r"\1why \2?"),
    (r"^(\W*)(?!.*\b(?:why|how come)\b)(.+?), how (?:can i |do i |to |should i |could i )?explain (?:this|that|"
     r"it)?\b.*$",
     r"\1why \2?"),
    (r"\b(why) (?:are|is|do|does|did|were|have|has)(?: not|n'?t) (.+?) (?:buying|buy|ordering|order|converting|"
     r"convert|purchasing)\b",
     r"\1 do \2 not buy"),
    (rf"\b(?:which|what) (?:factors?|things?|reasons?) (?:push|make|drive|lead|bring|get|cause|influence|convince|"
     rf"motivate)s? {_WHO}" r"(?: to)? (?:order|buy|purchase|convert)\b", "what makes a visitor buy"),
    (rf"^(\W*)(?:the )?({_MONTHS}) was (?:so |very |really |quite )?(?:great|good|strong|super|fine|excellent|bad|"
     rf"weak|poor),? (?:but |and )?({_MONTHS}) (?:was(?: not|n'?t)|not(?: so much)?|less so|was (?:bad|weak|poor|good|"
     r"great|strong|better|worse))\.? (?:what happened|why|how come)\b.*$", r"\1why did revenue change from \2 to \3?"),
    (r"\bwhat (?:is driving|was driving|are driving|drives?|drove|is behind|was behind) the (\w+) (orders|"
     r"sales|revenue|visits|sessions|traffic)\b",
     r"why so many \2 from \1"),
    (r"\b(?:why (?:are there|do we have|do we get) (?:so )?many|where do (?:the |our )?)\s*error pages?(?: come "
     r"from)?(?:,? and what (?:is )?caus\w+ (?:them|it|this))?(?=\W*$)", "error page views by page"),
)  # fmt: skip
IDIOMS = (*_AROUND, *_WORDS, *_COUNTS, *_SHARES, *_STEPS, *_OF_PEOPLE, *_COMPARED, *_LISTS, *_CAUSES)
