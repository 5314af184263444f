"""How people speak, in the words that questions are read in: "slice of the pie", "carve up", "where do they bail".

Idioms are replaced in the question as it was typed, before anything else reads it.
"""

from __future__ import annotations

import re

from beha2vec_core.chat.days.named_days import MONTH_NAMES as _MONTHS
from beha2vec_core.chat.rewrites.at_the_time import AT_THE_TIME
from beha2vec_core.chat.rewrites.complements import COMPLEMENTS
from beha2vec_core.chat.rewrites.everyday_words import EVERYDAY
from beha2vec_core.chat.rewrites.exits_and_hits import EXITS_AND_HITS
from beha2vec_core.chat.rewrites.items_of_orders import ITEMS_OF_ORDERS
from beha2vec_core.chat.rewrites.sort_orders import SORT_ORDERS
from beha2vec_core.chat.rewrites.substitute import Rules, rewritten
from beha2vec_core.chat.rewrites.turns import PERIOD, TURNS
from beha2vec_core.chat.rewrites.visits_to_order import VISITS_TO_ORDER
from beha2vec_core.chat.rewrites.whole_questions import WHOLE_QUESTIONS
from beha2vec_core.chat.words.numbers import NUMBER_WORDS
from beha2vec_core.chat.words.verbs import PEOPLE

_N = rf"(?:\d+(?:[.,]\d+)?|one|{'|'.join(NUMBER_WORDS)})"
_PART = (  # "almost half", "a third", "20%", "one in five": how much somebody thinks it is
    r"(?:(?:(?:well|just|far|even|only|almost|nearly|about|around|roughly|over|under|above|below|more|less|fewer|than|"
    rf"at|least|most|up|to|some|the) )*(?:half|(?:a|one|two) (?:third|quarter|fifth|tenth)s?|three quarters|{_N} ?(?:%|"
    rf"percent)|{_N} in {_N})(?: of| the)*)(?!\w)(?! (?:up|down|higher|lower|more|less|bigger|smaller|better|worse|"
    r"growth|increase|drop|off|a year|ago|discount)\b)"
)
_WHOLE = (
    r"(?:orders|purchases|buyers|customers|visits|sessions|users|visitors|people|traffic|revenue|sales|turnover|views|"
    r"pageviews|carts|audience)"
)
_PLEASE = r"^(\W*(?:(?:please|pls|can you|could you|now|and|then|let's|let us|i want to|i'd like to|to) )*)"
_NOT_OF_GROUPS = r"^(?!.*\b(?:which|what|how|by|per|each|list|show|who)\b(?! is\b))"
_CLAIM = (
    r"(?:is it (?:true|right|correct|fair to say)|(?:would it|will it) be (?:fair|right|correct) to say|(?:i (?:have|"
    r"had)|i've|we) (?:heard|read|noticed)|i(?:'d| would)? (?:bet|reckon|guess|say|think|believe|suspect|assume|"
    r"suppose)|am i right(?: in thinking)?|(?:my|our) (?:guess|feeling|hunch|impression) is|surely)"
)
_GO = r"(?:drop|dropp|fall|fell|fallen|tail|trail|taper|ease|eas|die|dying|drop)(?:ed|ing|s)?"
_CUT = r"(?:break|split|carve|slice|chop|cut|divid|divide|divvy|separate|group|section|roll)(?:s|d|ed|ing)?"
_CUT_DONE = r"(?:broken|split|carved|sliced|chopped|cut|divided|divvied|separated|grouped|organi[sz]ed|laid|diced)"
_PARTICLE = r"(?:down|up|out|apart|off)"
_BESIDE = r"(?:against|alongside|next to|beside|versus|vs\.?)"
_LITTLE = r"(?:no|zero|hardly (?:any|an?)|barely (?:any|an?)|few|almost no|not (?:a single|any|one)|next to no)"
_SOLD = r"(?:orders?|sales?|purchases?|cash|money|revenue|conversions?|buyers?)"
_WHO = rf"(?:{PEOPLE}|ppl|folks|persons|guys|clients|they|someone|somebody|a (?:visitor|user|customer|person|buyer))"
_LOSE = "at which step do we lose the most people"
_STEP = r"(?:step|stage|moment|point|place|leak|hole|bottleneck|drop[- ]?off|weak spot|problem|obstacle)"
_STOP = (
    r"(?:stop|quit|give up|leave|bail(?: out)?|drop(?: off| out)?|go away|disappear|vanish|get stuck|fall (?:off|"
    r"out|away))"
)
_PATH = r"(?:path|way|route|journey|road)"
_PROCESS = r"(?:funnel|checkout|process|site|shop|path|journey|way|track|line)"
_SIZE = r"(?:part|piece|share|slice|chunk|portion|percentage|fraction|proportion)"
_PERCENT = r"(?:percent|per cent|%|pct)"

_TALK: Rules = (  # what stands around a question
    (r"(?:,|\s[-\u2013\u2014])?\s*(?<!\w)(?:ta|cheers|thx|mate|yaar|will ya|would you(?: please)?|could you|if you "
     r"(?:please|can|would|don't mind)|if (?:that(?:'s| is) something )?(?:that )?you (?:track|measure|know|have)(?: "
     r"(?:it|that|this))?|if poss(?:ible)?|(?:please|pls) and thank you|by (?:eod|tomorrow|tonight)|go)\s*(?=[.!?]*$)",
     ""),
    (r"^\W*(?:just )?out of (?:pure |sheer )?(?:curiosity|interest)\b[,:]?\s*", ""),
    (r"\b(?:to me )?like (?:i'?m|i am) (?:five|5|a (?:child|kid))\b", ""),
    (r"(?:[,.;?!]|\s[-\u2013\u2014])\s*(?:can'?t be many|feels like it(?: is)?|(?:or )?am i (?:right|wrong|"
     r"imagining (?:it|things))|(?:or )?is it just me|is that (?:right|true|so|correct)|full list|(?:what(?:'s|"
     r" is) )?the real (?:figure|number)|just the facts|true or false|(?:or )?is that just me(?: guessing)?|"
     r"right or wrong|one by one)\s*(?=[.?!]*$)", "?"),
    (rf"^\W*{_CLAIM}(?: that)?,?\s+(?=\w)", ""),
    # an order to show, not a share
    (r"^(\W*(?:(?:please|kindly|pls|can you|could you|would you|will you|now|and|then|hi|hello|hey)\W+)*)share "
     r"(?=(?:with )?"
     r"(?:the|me|us|with|our|a|all|counts?|numbers?|figures?|list|details|data|\w+[ -]wise)\b)", r"\1show "),
    (r"\b(?:walk|talk|take|run|guide) (?:me|us) through (?:how )?", "show "),
    (r"\bhelp (?:me|us) (?:to )?(?:understand|see|find out|figure out|work out) ", ""),
    (rf"^(\W*)when(?:ever)? (?:an? |the |our )?(?:{PEOPLE}|someone|somebody|they) ([^,?]+), ([^?]+)",
     r"\1\3 of users who \2"),
    # who did something in one period, and not after it
    (rf"\b(in|during) ({PERIOD}),? (?:but|and|yet) (?:(?:who|they) )?(?:(?:have|has|had|did) )?(?:never|not|nothing)"
     r"(?: (?:ever|been|c[oa]me|bought|buy|order|ordered|returned?|visited|purchased?|seen))*(?: (?:here|anything|"
     r"back))* ?(?:ever since|since(?: then)?|afterwards?|after (?:that|this|it)|thereafter|any ?more|again)(?=\W*$)",
     r"\1 \2 but not after \2"),
    (r"\bwho(?:s|'s| is) (?=(?:bought|ordered|visited|purchased|viewed|used)\b)", "who "),
    (r"^\W*(?:my|our|the) \w+ (?:wants?|needs?|asks?|asked|would like)(?: for)?[^:?,]*:\s*", ""),
    (r"^\W*(?:i'?m|i am|we'?re|we are|i must|i have to|i need to|i want to|i'?ll) (?:do|prepar|writ|putting together|"
     r"working on|build|mak|finish|fill|present)(?:e|ing)?\b(?: (?:an?|the|my|our) [\w -]*?(?:pack|report|deck|slides?|"
     r"presentation|meeting|review|board)(?: (?:for|on) (?:\w+ ){0,2}\w+)?(?:\s*[:,]\s+|\s+[-\u2013\u2014]\s+)|"
     r"[^?.!]*?(?:[.!]\s+(?=\w)(?!(?:by|per|in|and|for|on|from|only)\b)| and (?:i )?(?:need|want|have|would like|like) "
     r"to know\b))", ""),
    (r"[?.]\s*(?:(?:a |the )?(?:rough|round|exact|precise) |(?:give|i need|i want)(?: me)? (?:the |an? )?(?:exact|"
     r"rough|round|precise) )(?:number|figure|estimate|%|percent(?:age)?|value)s?(?: (?:is|are|will be|"
     r"would be) (?:fine|ok|okay|enough|good|perfect))?\W*$", "?"),
    (r",? *(?:because |as )?i need (?:it|this|that|them) (?:for|by|in|until)\b[^?]*$", ""),
    (r"\b(top \d+|top ten|top five) (?:is|are|will be|would be) (?:enough|fine|ok|okay|good|plenty)\b", r"\1"),
    (r",? (?:typically|usually|normally|generally|in general|as a rule)\W*$", ""),
    (r"^(\W*(?:(?:please|can you|could you) )*)(?:profile|characteri[sz]e|portray) "
     r"(?=the |our |my |\w+ who)", r"\1describe "),
    (r", all (\w+?)s? (?:together|combined|added up)\b", ""),
    (r"\bsince (?:we|you|the (?:shop|site|store)) (?:started|opened|launched|began|went (?:live|online)|(?:are|is) "
     r"(?:live|online))\b|\b(?:since|from) day (?:one|1)\b", "so far"),
    (r",? (?:with enough|that have enough|only where there (?:is|are) enough) (?:visits|sessions|traffic|data|orders|"
     r"users)\b", ""),
    (r",? (?:but )?only (?:the )?(?:big|large|main|important|relevant) ones\b", ", only the biggest ones"),
    (r"\bi mean\W*$", ""),
    (r"\? i have the (?:feeling|impression)(?: that(?: it is)?)? (since \w+)\W*$", r" \1?"),
    (r",? like (?:crazy|mad|hell)\b", ""),
    (r"(?<=\w)(,? in (?:units|items|pieces|orders|revenue|sales)),? not (?:in )?(?:units|items|pieces|orders|revenue|"
     r"sales)(?=\W*$)", r"\1"),
    (r", (?=(?:is|are) (?:it|that|they|we) (?:above|over|below|under|more than|less than) \d)", ". "),
    (rf"{_PLEASE}(?:give|take|have)(?: me| us)? an? (?:\w+ )?look at ", r"\1show "),
)  # fmt: skip
_WORDS: Rules = (
    (r",? \w+ (?:needs?|wants?) (?:this|it|them)(?: by \w+)?\s*(?=[.!?]*$)", ""),
    (r"\bcan(?:'t|not)\b", "can not"), (r"\bwon't\b", "will not"), (r"(?<=\w)n't\b", " not"),
    (r"(?<=\w)'ve\b", " have"),
    (r"\b(who|what|where|when|how|why|that|there)'s (?=(?!\w+'s\b)\w)", r"\1 is "), (r"\bwhos\b", "who is"),
    (r"(?<=\w)'re\b", " are"), (r"(?<=\w)'ll\b", " will"), (r"\bper cent\b", "percent"),
    (r"\b(?:ppl|folks?)\b", "people"), (r"\bbrand[- ]new\b", "new"),
    (r"\bevery ?one else\b", "everyone else"), (r"\bsomebody\b|\bsomeone\b", "people"),
    (r"\bw/ ?out\b", "without"),
    (r"\b(?:nbr?|#) of\b", "number of"),
    (r"\b(?:qty|quantit(?:y|ies))(?: (?:sold|of items sold))?(?: of)?\b", "items sold of"),
    (r"\bhead ?count of\b", "number of"),
    (r"\b(did|do|does|are|is|we|we're|not|and|to) loos(e|es|ing)\b", r"\1 los\2"),
    (r"\b(\d+) ?x or more\b", r"at least \1 times"),
    (r"\b(affiliates?|partners?|referral) (?:program(?:me)?s?|schemes?|network)\b", r"\1"),
    (r"\b(number of pages|page views) by (visit|session)\b", r"\1 per \2"),
    (r"\b(?:for|in|of|by) (?:(?:an?|the|one|each|every|a single) )?(visit|session|order|user|visitor)s? (?:in|on) "
     r"average\b", r"per \1 on average"),
    (r"\b(?:how many|number of) (?=(?:page views|pages|orders|items|sessions|visits) per (?:visit|session|order|user|"
     r"visitor)\b)", ""),
    (r"\b(?:people|users|visitors|customers) from (\w+(?: search| social)?) or (?:people|users|visitors|customers) "
     r"from (?=\w)", r"from \1 or from "),
    (r"\bbetween (\d{1,2}) and (\d{1,2}) in the (?:evening|afternoon)\b", r"between \1 pm and \2 pm"),
    (r"\bbetween (\d{1,2}) and (\d{1,2}) in the morning\b", r"between \1 am and \2 am"),
    (r"\b(cluster|segment|group) (?:holds|contains|counts)\b", r"\1 has"),
    (r"\buse(s|d)? (?:a lot|often|very much|much|frequently) the search\b", r"use\1 the search"),
    (r"\btwice or more\b", "at least 2 times"),
    (r"^(?!.*\b(?:clusters?|segments?|groups?|personas?)\b)(.*?)\b(?:got|gets?|hits?|met|meets?|r[au]ns? into|"
     r"encounter(?:s|ed)?|faced?|receive[sd]?|bump(?:s|ed)? into|s[ae]w|sees?|seen) (?:an? |any )?(?:404|"
     r"error)s?(?: (?:pages?|messages?|codes?|errors?))?\b", r"\1saw an error page"),
    (r"[\"'\u201c]?\b(?:(?:pages?|urls?)(?: (?:was|were|is|are|be|could be|can be|that))*[- ]not[- ](?:be )?found|"
     r"not[- ]found(?= (?:pages?|errors?|messages?))|(?:broken|dead) (?:links?|pages?|urls?))\b[\"'\u201d]?"
     r"(?: (?:pages?|errors?|messages?))*", "error page"),
    (r"\b404(?:s| pages?| errors?| error pages?)?\b", "error page"),
    (r"^(\W*(?:number of |show |the )*)error pages (by|per|over)\b", r"\1error page views \2"),
    (r"\bcategor(?:y|ies) of (?:the )?(product|item)s?\b", r"\1 category"),
    (r"\b(?:separated|grouped|classified|sliced|carved up|organi[sz]ed|arranged|subdivided|stacked|split up|split|"
     r"itemi[sz]ed|cut) (?:by|per|into|according to)\b", "by"),
    (r"\bin (sessions|visits|users|orders|revenue|sales|traffic|page views) and also in "
     r"(sessions|visits|users|orders|revenue|sales|traffic|page views)\b", r", \1 and \2"),
    (r"\bpeak of\b", "most"),
    (r"\bweekends? (and|vs\.?|or|versus|against|than|to) (?:the )?(?:week|weekdays?)\b(?! of\b)", r"weekend \1 "
     r"weekdays"),
    (r"\b((?:h[12]|q[1-4])(?: ?'?\d{2,4})?) ?/ ?(?=(?:h[12]|q[1-4])\b)", r"\1 vs "),
    (r"^\W*i (?:do not|don'?t|cannot|can'?t|can not) (?:understand|see|get|explain) why\b", "why"),
    (r"\b(sessions|visits|users|orders|sales|revenue|traffic|views) n (sessions|visits|users|orders|sales|revenue|"
     r"traffic|views)\b", r"\1 and \2"),
    (r"^(\W*)y (?=(?:is|are|do|does|did|has|have|was|were)\b)", r"\1why "),
    (r"\b(did|has|have) (.+?) (?:get|got|become|gotten) (?:better|worse|bigger|smaller|higher|lower) from (\w+) to "
     r"(?=\w)", r"\1 \2 change from \3 to "),
    (r"\b(is|are|was|were) (.+?) bringing (more|less|fewer|better|worse)\b", r"\1 \2 getting \3"),
    (r"\b(?:the )?(?:low point|rock bottom|trough)\b", "lowest"),
    (r"\bwhose (?:is|are|was|were) (?=(?:the )?(?:big|larg|small|high|low|best|better|worse|more|most))", "which is "),
    (r"\b(c[oa]m(?:es?|ing)) off (?=\w)", r"\1 from "),
    (r"\bthan (?:the )?(?:ads|adverts|advertising)\b", "than paid channels"),
    (r"\btime (?:browsing|looking around|shopping)\b", "time"),
)  # fmt: skip
_COUNTS: Rules = (
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
_SHARES: Rules = (
    (r"\b(?:is|are|was|were) down to (?=[a-z])", "comes from "),
    (r"\bone (?:in|out of) how many\b", "what percent of"),
    (r"\b(?:slice|piece|share|part|chunk) of the (?:pie|cake|whole|total)\b", "share"),
    (r"\b(?:eat|eats|eating|ate|take|takes|taking|took|gobbl\w+|swallow\w*|hog\w*) up\b", "make up"),
    (r"\b(?:represents?|representing|constitutes?|constituting)\b(?=\W*$| (?:of|the|our|all)\b)", "make up"),
    (r"\b(?:share|percentage|proportion|percent|%|fraction|portion|part) of ([\w -]+?) (?:among|amongst) (?:all |the |"
     r"our )?(?:those|people|users|visitors) who (?:bought|ordered|purchased|buy)\b", r"share of buyers that are \1"),
    (r"^(?=.*\b(?:how much of|what (?:share|part|percent\w*|portion|proportion|fraction) of|percent|%))(.*?)\b(?:sits? "
     r"in|lies? in|arrives? (?:by|via|through|from|on|in)|lives? in|stems? from|originates? (?:from|in)|happens? (?:on|"
     r"in|via)|takes? place (?:on|in))\b", r"\1 comes from"),
    (r"^(\W*)of (?:all |the |our )*(carts|baskets|checkouts)(?: (?:filled|started|created|begun))?(.*?),? (?:which|"
     r"what) (?:proportion|share|percentage|part|fraction)(?: of them)? (?:was|were|is|are|got) (?:abandoned|left(?: "
     r"behind)?)\b", r"\1share of \2 abandoned \3"),
    (rf"{_NOT_OF_GROUPS}(.*?)\b(?:ma[dk]es? up|accounts? for|is|are|makes?) {_PART} (.+)", r"\1 make up share of \2"),
    (rf"{_NOT_OF_GROUPS}(\W*(?:(?:do|does|did|is|are|was|were|have|has)\b )?){_PART} (.+)", r"\1share of \2"),
    (rf"\b(?:out )?of (?:every |each )?(?:10|100|1000|1,000|ten|(?:a |one )?(?:hundred|thousand)) ((?:{PEOPLE}|visits|"
     rf"sessions|" r"orders|purchases))\b(.*?),? how many(?: of (?:them|those|these))?\b", r"what percent of \1\2"),
    (r"^(\W*)(?!.*\b(?:what|which|how)\b.*\b(?:what|which|how)\b)(.+?) (?:represents?|makes? up|accounts? for|"
     rf"contributes?|is|are|=) (?:how (?:many|much) {_PERCENT}|what (?:{_PERCENT}|{_SIZE})) of (.+?)(?: (?:that|which) "
     r"(?:are|is|were))?(\W*)$", r"\1what percent of \3 are \2\4"),
    (r"\bweight of (.+?) (?:vs\.?|versus|against|compared (?:to|with)) the rest\b", r"share of \1"),
    (r"\brate of aband\w+ (?:for|of|at|in) (?:the |our )?(cart|basket|checkout)s?\b", r"\1 abandonment rate"),
    (rf"^(\W*)((?:in|for|on|among|within) [\w ]{{2,30}}?),? ((?:what|how (?:big|large|high))(?: is|'s|"
     rf" was)? (?:the )?(?:{_SIZE}) of " r"[\w ]+?)(\W*)$", r"\1\3 \2\4"),
    (r"\bbounce(?: rate)? (?:of|on|for|at) (?:the |our )?(home|start|front)(?: ?page)?\b", "bounce rate for sessions "
                                                                                           "landing on the home page"),
    (r",?(?: and)? (?:put|show|add|with|plus) (?:the |their |its )?(?:share|percentage)s? (?:right )?(?:next to|beside|"
     r"alongside) (?:it|them|that|each)\b", ", also the share"),
    (rf"\bhow (?:large|big|high|great) (?:is|was) the {_SIZE}(?: (?:that|which))? (.+?) (?:has|have|had|takes?|holds?) "
     r"(?:in|of) ", r"share of \1 in "),
    (r"\bnew (?:vs\.?|versus|and|or) returning,? in (?:%|percent)", "share of sessions by new or returning"),
)  # fmt: skip
_BREAKDOWNS: Rules = (
    (r"\bdrill (?:down )?into\b", "show"),
    (r"\b(breakdown|split|mix|distribution|balance) between\b", "split of"),
    (rf"\b(?:{_CUT}|tot|add|sum|count|tally) {_PARTICLE} (?=(?:(?!by\b|per\b|to\b)[\w-]+ ){{1,5}}(?:by|per|into|for "
     rf"each)\b)", "show "),
    (rf"\b{_CUT} ((?:[\w%-]+ ){{1,5}}?){_PARTICLE} (?=(?:by|per|for|into|along|across|between|according "
     rf"to)\b)", r"show \1"),
    (rf"\b{_CUT} {_PARTICLE} (?=(?:the|our|all|my)\b)", "show "),
    (rf"{_PLEASE}(?:cut|slice|group|divide|chop|carve|separate|arrange|"
     r"bucket|break|detail|itemi[sz]e|spell out) (?=(?:(?!by\b)[\w%-]+ ){1,4}(?:by|per)\b)", r"\1show "),
    (rf"\b{_CUT_DONE}(?: {_PARTICLE})? (?:by|along|according to) ", "by "),
    (r"\bby default channel group(?:ing)?s?\b", "by channel"),
    (r"\b(campaign|product|item|country|channel|page|source|device|category|browser|brand)[- ]level\b", r"by \1"),
    (r"\b(?:(?:an?|the) )?(?:(?:quick|overall|detailed|clear|full|complete) )*((?:by \w+ )?)view of (?=(?:the |our |"
     rf"all )?{_WHOLE})", r"\1"),
    (r"\bby (?:social )?networks?\b", "by source"),
    (r"\b(weekday|day of (?:the )?week|hourly|daily|weekly|monthly)[ -]patterns? (?:for|of|in) (?:the |our "
     r")?(\w+)\b", r"\2 \1"),
    (r"\b(?:cart|basket) add(?:s|itions)?\b|\badds? to (?:cart|basket)s?\b", "add to carts"),
    (r"\b(?:ignor\w+|skip|leav\w+ out|exclud\w+|hid\w+|drop) (?:anything|everything|all|those|rows|the ones|groups)(?: "
     r"with| that (?:is|are|has|have))? (?:under|below|less than|smaller than|fewer than) (?=\d)", "with at least "),
    (r"^(\W*)what (do|does|did) (?!we\b|you\b|they\b|i\b|the (?:shop|store|site)\b|people\b)(?:(?:the|our) )?(?:brand |"
     r"label )?([\w &'-]{2,30}?) sell\b(?! (?:the )?(?:most|best|more|better|least))", r"\1which items \2 \3 sell"),
    (r"^(\W*)what (do|did) we sell (from|of|by|under) ", r"\1which items \2 we sell \3 "),
    (r"^(\W*(?:what|which|list|show|give)\b.*?),? (?:and )?how (?:much|many)(?: (?:pieces|units))?(?: (?:do|did) we "
     r"sell| (?:were|was|is|are) sold)? of (?:each|every one)(?: one| product| item| of (?:them|these|those))?(?=\W*$)",
     r"\1"),
    (r"\b(units|pieces|items)(?: sold)?(?: of)? and value\b", r"\1 sold and revenue"),
    (r"\bwhere (?:do|does|did) (?:our |the )?(.+?) (?:come from|live),? (?:geographically(?: speaking)?|in the "
     r"world)\b", r"\1 by country"),
    (r"\bonly rows (?:having|with)\b", "with"),
    (r"(?:,|\s[-\u2013\u2014]|(?<=week)|(?<=weekday))\s*mon(?:day)? (?:to|through|thru|till) sun(?:day)?\b", ""),
)  # fmt: skip
_COMPARISONS: Rules = (
    # than others, where no others are named
    (rf"^(\W*(?:and )?(?:do|does|did) (?:the |our )*(?:(?!(?:the|our|all|most|more|many|any|these|those)\b)[\w-]+ "
     rf"(?:{PEOPLE}) (?:spend|pay)|(?:{PEOPLE}|those) (?:who|that) [^,?]*? (?:spend|buy|order|convert|return|come back|"
     r"pay))(?: much| a lot)? (?:more|less|better|worse)(?: (?:per (?:order|visit|head)|often|frequently|money))?)"
     r"(?=\W*$)", r"\1 than others"),
    (r"\bvar(?:y|ies)\b|\bbehav(?:e|es) (?:(?:any|at all|very) )*different(?:ly)?\b", "differ"),
    (r"\bhow (?:does|did|do|has|have) (.+?) (?:(?:do|done|perform|performed|sell) )?(?:compare|compared|measure up|"
     r"fare|fared|stack up|hold up|match up|rate) (?:to|with|against) ", r"compare \1 with "),
    (r"\b(which|what) (\w+) (?:is|are) (?:lagging|trailing|falling behind|struggling|behind(?= on\b| in\b|\W*$))(?: "
     r"behind)?\b", r"\1 \2 has lowest"),
    (r"\b(which|what) (\w+) (?:is|are) (?:leading|winning|ahead|in front)\b", r"\1 \2 has highest"),
    (r"^(\W*)(?:is|are|was|were) (.+?) (?:(?:about|roughly|nearly|almost|pretty much|just|any) )*(?:the same|equal|"
     r"identical|similar|no different|different) (?:(on|for|in|across|from|with)|between|among|of) (.+ (?:and|or) .+)",
     r"\1compare \2 \3 \4"),
    (r"\bworth (more|less) than (?=[a-z])(?!one\b|two\b|a hundred\b)", r"\1 revenue per user than "),
    (r"\bwhen it comes to\b|\bas far as (?=[\w ]+ goes\b)|\bwith regards? to\b|\bon the subject of\b", "in terms of"),
    (r"\boutsell(?:s|ing)?\b|\boutsold\b", "have more orders than"),
    (r"\boutspend(?:s|ing)?\b|\boutspent\b", "spend more than"),
    (r"^(\W*(?:is|are|was|were)\b.*?) (?:(?:still|far|way|well|much|always|now|lagging|trailing|falling|running|"
     r"lying) )*(?:ahead of|behind|in front of|trailing|leading)"
     r"(?! (?:it|this|that|schedule|the (?:drop|rise|change|increase|dip))\b)", r"\1 compared with"),
    (r"\b(?:big |large |huge )*gap (in|between|of)\b"
     r"(?! (?:\w+ ){0,2}(?:orders|purchases)\b(?! (?:and|vs|versus|or|of)\b))", r"difference \1"),
    (r",? or (?:(?:are|is|do|does|did|has|have|was) (?:they|it|that) )?(?:(?:stay|remain)(?:s|ed)? )?(?:about |roughly "
     r"|pretty much |just |more or less )*(?:the same|equal|stable|unchanged|flat|no different|not)\s*(?=\W*$)", ""),
    (rf"{_PLEASE}(?:put|set|stack|line|pit|hold|match|weigh|stand)(?: up)? ([\w .']+?) (?:up )?{_BESIDE} "
     rf"", r"\1compare \2 with "),
    (r"\b(?:put|show|place|lay|view|see|have) (?:me )?(.+?),? side by side\b", r"compare \1"),
    (r",? side by side\b", " compared"),
    (r"\bor (?=(?:everyone|everybody|everything|anyone|everywhere) else\b|(?:all )?the rest\b)", "vs "),
    (r"\b(?!(?:the|a|an|which|what|our|this|that)\b)(\w+) (?:crowd|folk|brigade)\b", r"\1 traffic"),
    (r"\bworth (more|less|most|least) per (visit|session|user|visitor|customer|buyer|order)\b", r"\1 revenue per \2"),
    (r"\b(?:way|far|a lot|a bit|much|tons|loads) (more|less|better|worse|fewer|higher|lower|bigger|smaller)\b", r"\1"),
    (r"\b(?:pull|draw|attract|rak|haul|reel)(?:s|e|es|ed|ing)?(?: in)? (?=(?:the )?(?:more|most|less|fewer|"
     r"least)\b)", "bring "),
    (r"(?:,|\?|\band|\bso)\s*(?:who|which(?: one)?(?: of (?:the two|them|both))?) (?:wins?|won|is winning|"
     r"is the winner|comes out on top|is ahead|leads?|is leading)(?: (?:in|on|by|for|at|with))?\b", ", "),
    (r"\bwho (?:is |are )?(?:spend(?:s|ing)?|pay(?:s|ing)?) more per order,?", "revenue per order,"),
    (r"\bwhat sells (better|best|more),? (?=[\w ]+ or )", r"which sells \1, "),
    (r"\b(?:stay|spend)(?:s|ed|ing)? (longer|shorter)(?: (?:on|in|at) (?:the |our )?(?:site|website|shop|pages?|"
     r"store))?", "have higher engagement time"),
    (r"^(.*\w),? (?:(?:was|is) there |did we (?:see|have) |do we (?:see|have) |do you see )?any (?:spikes?|bumps?|"
     r"jumps?|dips?|drops?|peaks?|changes?|effects?)\W*$", r"\1 compared to the period before?"),
    (r"\b(did|does|do|brings?|makes?) more business\b", r"\1 more revenue"),
    (r"\b(?:ones|those|people|users|visitors) who (?:have|had) (?:been|visited|come)(?: here| to us)? "
     r"before\b", "returning ones"),
    (r"\bhow far (?:behind|ahead of) (.+?) (?:is|are|was|were) (.+?) (?:on|in|for|by|in terms of) ([\w ]+?)(?=\W*$)",
     r"compare \3 of \2 with \1"),
)  # fmt: skip
_CHANGE: Rules = (
    (r"\bfall(?:en|s|ing)? off a cliff\b|\bfell off a cliff\b", "drop"),
    (r"\b(?:sudden|unexpected|noticeable) (?=(?:jumps?|drops?|spikes?|rises?|changes?)\b)", ""),
    (r"\b(?!coupon|voucher)(\w+) usage\b(?=\s*(?:$|[-,:?]|over|by|in|since))", r"sessions of \1"),
    (r"^(\W*(?:is|are|was|were|has|have)\b.*?) (?:getting|gotten|been getting) (?:worse|better|higher|lower|bigger|"
     r"smaller|weaker|stronger|rarer|(?:more|less) (?:frequent|common|often))\b(?!.*\bthan\b)", r"trend \1"),
    (r"\b(?:rack|clock|notch|chalk)(?:ed|ing|s)? up (?=(?:in|during|on|over|last|this|from|by|since|for)\b|\W*$)",
     "make "),
    (r"\b(?:any|an?|the|some) (?=(?:\w+ )?(?:bump|blip|hike)\b)(\w+ )?(?:bump|blip|hike)\b", r"any rise \1"),
    (rf"\b((?:has|have|is|are|was|were|had|traffic|sales|visits|orders|revenue)(?: been)?) {_GO} (?:off|"
     rf"away)\b", r"\1 dropped"),
    (r"\b(?:hold|held|stay|remain|keep|kept)(?:s|ed|ing)? (?:steady|stable|flat|constant|up|level|strong|the "
     r"same)\b", "stable"),
    (r"\bdying(?: (?:off|out|down))?\b", "declining"),
    (r"\bon the (?:up|rise|increase|way up)\b", "rising"),
    (r"\b(?:on the (?:decline|wane|way down)|in decline)\b", "falling"),
    (r"\b(?:drift|trend|creep|inch|edg|head|mov)(?:ing|ed) (up|down)(?:wards?)?\b", r"going \1"),
    (r"\b(?:an? |any )?(up|down)ward (?:movement|trend|drift|tendency|direction) (?:in|of|for)\b", r"going \1"),
    (r"\bdirection of travel (?:on|of|for|in|with)\b", "trend of"),
    (r"\b(?:(?:towards|near) the end(?! of (?!the (?:year|period|data)\b))|as (?:the )?(?:time|months?|weeks?|year) "
     r"(?:went|goes|passed|passes|wore) (?:by|on)?|with (?:the )?time|as time (?:went|goes) (?:by|on))(?: of the "
     r"(?:year|period|data))?\b", "over time"),
    (r"\bfrom one (day|week|month|quarter|year) to the (?:next|other)\b", r"by \1"),
    (r"\b(?:how (?:did|has|have|does|do|is|are))\b(.*?) (?:move|moved|shift|shifted|track|tracked|been tracking|go|"
     r"gone)\b(?=\W*$| (?:over|across|since|during|in|month|week)\b)", r"trend \1"),
    (r"\b(which|what) (day|week|month|hour|quarter)s? (?:looked|were|was|are|is|seem\w*|felt) (?:\w+ly |very |so |"
     r"really )*(?:quiet|slow|dead)\b", r"\1 \2s had lowest"),
    (r"^(?!.*\b(?:by|the|which) (?:week|month)\b)(\W*)(?:(?:did|do|have) we (?:have|see|get|seen|had|got)|(?:were|was|"
     r"are|is|have) there(?: been)?|any|show(?: me)?|find)(?: any| the)?(?: (?:unusual|sudden|big|large|sharp|strange|"
     r"odd|noticeable|unexpected))* (?:spikes|peaks|surges|outliers) in ", r"\1top 5 days by "),
    (r"\bwhat made (.+?) (?:such )?an? (?:good|great|strong|bad|poor|weak|terrible|slow|quiet) (?:day|week|month|"
     r"quarter|year)\b", r"what happened in \1"),
    (r"\bhow (?!did\b|has\b|have\b|does\b|do\b|is\b|many\b|much\b|often\b|long\b)((?:[\w%-]+ ){1,4}?)(?:moved|"
     r"developed|changed|evolved)\b", r"trend \1"),
    (r"\b(?:was |were )?(?:any |a )?(?:kind|sort) of (?=(?:a )?(?:\w+ )?(?:change|bump|spike|drop|dip|increase|"
     r"trend|jump)\b)", "any "),
)  # fmt: skip
_CAUSES: Rules = (
    (r"\bwhat(?:'s| is| was) the reasons? (?:that |why |for which )?(?=(?!for\b|of\b|behind\b)\w)", "why "),
    (r"\b(?:is|was|are) there (?:a|any) reasons? (?:that |why )?(?=\w)", "why do "),
    (r"\bfor (?:what|which) reasons?\b|\bhow is it (?:possible )?that\b|\bhow comes(?: it)?(?: that)?\b", "why"),
    (r"[.,;?!]\s*(?:so )?(?:what gives|why so|wherefore|how so|how come|what(?:'s| is) (?:driving|behind) (?:it|that)|"
     r"why)\s*(?=\W*$)", ". Why?"),
    (rf"^(.*\b(?:why|how come|reasons?)\b.*?)(?:(?:loads|lots|a lot|plenty|many|tons)(?: of)? )?\b(?:visits|traffic|"
     rf"views|clicks|eyeballs|landings|visitors) (?:but|and|yet) {_LITTLE} {_SOLD}\b", r"\1low conversion rate"),
    (r"^(\W*)(?!.*\b(?:why|how come)\b)(.+?),? (?:(?:any |what(?: is|'?s) the |the )?(?:reasons?|cause|explanation)|"
     r"why(?:'?s| is) (?:that|this|it)|why (?:that|this))\W*$", r"\1why \2?"),
    (r"^(\W*)(?!.*\b(?:why|how come)\b)(.+?), how (?:can i |do i |to |should i |could i )?explain (?:this|that|"
     r"it)?\b.*$", r"\1why \2?"),
    (rf"\b(?:which|what) (?:factors?|things?|reasons?) (?:push|make|drive|lead|bring|get|cause|influence|convince|"
     rf"motivate)s? {_WHO}" r"(?: to)? (?:order|buy|purchase|convert)\b", "what makes a visitor buy"),
    (r"\bwhat (?:is driving|was driving|are driving|drives?|drove|is behind|was behind) the (\w+) (orders|sales|"
     r"revenue|visits|sessions|traffic)\b", r"why so many \2 from \1"),
    (rf"^(\W*)(?:the )?({_MONTHS}) was (?:so |very |really |quite )?(?:great|good|strong|super|fine|excellent|bad|weak|"
     rf"poor),? (?:but |and )?({_MONTHS}) (?:was(?: not|n'?t)|not(?: so much)?|less so|was (?:bad|weak|poor|good|great|"
     r"strong|better|worse))[.,]? (?:what happened|why|how come)\b(?! in\b)",
     r"\1why did revenue change from \2 to \3"),
    (r"\b(?:why (?:are there|do we have|do we get) (?:so )?many|where do (?:the |our )?)\s*error pages?(?: come "
     r"from)?(?:,? and what (?:is )?caus\w+ (?:them|it|this))?(?=\W*$)", "error page views by page"),
)  # fmt: skip
_STEPS: Rules = (
    (rf"\b(?:what|which)(?: is|'?s| are)? (?:(?:our|the|my) )*(?:worst|weakest|biggest|leakiest|"
     rf"most leaky) {_STEP}(?: (?:in|of|on|along) (?:the |our )*(?:\w+ )?{_PROCESS})?(?: (?:before|until|till|"
     rf"to) (?:the |a |an )?(?:purchase|order|buying|sale|" r"payment))?", _LOSE),
    (rf"\b(?:at|on|in) (?:which|what) {_STEP} (?:do|did|does) (?:(?:most|the|our) )*{_WHO} {_STOP}\b", _LOSE),
    (rf"\b(?:conversion|purchase|buying|shopping) {_PATH} (?:for|of|on|by|from|with)\b", "funnel for"),
    (r"\b(?:the )?steps (?:to|until|towards|up to) (?:a |the |an )?(?:purchase|order|buying|sale)\b", "funnel"),
    (r"^(\W*)(?:and )?((?:[\w-]+ ){1,8}?[\w-]+), how far (?:do|did|does|have) (?:they|those|these)\b.*$",
     r"\1funnel for \2?"),
    (rf"\bhow far (?:do|did|does|have) (.+?) (?:arrive|arrived|get|got|gotten|come|go|gone|make it|reach)(?: (?:in|"
     rf"down|through|along|into|on) (?:the |our )?(?:\w+ )?{_PROCESS})?(?=\W*$| (?:in|on|from|by|during|last|this)\b)",
     r"funnel for \1"),
    (r"(?:\b(?:are|is|were|was|have|has|been) )?\b(?:finishing|completing|finished|completed|concluding|"
     r"finish|finishes|complete) (?:it|theirs|it all)\b", "order"),
    (r"^(\W*)having (.+?), how many\b", r"\1of those who \2, how many"),
    (r"\b(?:added|put) to (?:the )?(cart|basket)", r"added something to the \1"),
    (r"\b(?:survives?|survived|ma(?:k|d)es? it|gets?|lasts?) (?:until|till|to|through to|up to|all the way to|"
     r"as far as) (?:the )?(?:(?:thank[- ]?you|confirmation|order confirmation|success) page|finish line)\b", "order"),
    (r"^(\W*)if (?:someone|somebody|a (?:user|visitor|customer|person)|people|they) (.+?),? (?:does|do|will) "
     r"(?:\w{2,4}|that person) (?:(?:still|also|then|later|really|ever) )*(order|buy|come back|return|purchase)\b",
     r"\1of those who \2, how many \3"),
    (r",? (?:but )?only (?:where|if|when|for those where) there (?:were|are|was|is) (at least|more than) (\d+) ",
     r" with \1 \2 "),
    (rf"\b(?:what|which) (?:is |are )?(?:the )?(?:most )?(?:common|typical|usual|frequent|popular|normal) {_PATH}s? "
     r"(?:to|before|until|towards|leading (?:up )?to) (?:an? |the )?(?:order|purchase|buying|sale)\b(?:.*?step by "
     r"step)?(?: (?:is|are))?(?:,? step by step)?",
     "which steps lead to orders"),
    (r"\bfunnel leaks (?:more|less|most|least)\b|\bfunnel (?:is|gets?) leak(?:y|ier)\b", "funnel"),
    (r"\bthe till\b", "the checkout"),
    (r"\b(?:(?:fill|start|ha)(?:ed|s|ve|d)?) (?:the|an?|their) (?:cart|basket),? (?:and|but)(?: then)? (?:(?:do|did|"
     r"buy|bought) nothing|leave|left|go away|went away|stop(?:ped)?|disappear(?:ed)?|vanish(?:ed)?)\b",
     "have a cart but no order"),
    (rf"\bget (?:any )?(?:further|farther)(?: (?:down|along|in|through|on) the (?:\w+ )?{_PROCESS})?(?= than\b)",
     "convert better"),
    (r"\b(?:feeds?|fuels?) (?:the |our )?(checkout|cart)s?(?: (?:the )?(?:best|most))?(?=\W*$)",
     r"have the highest \1 rate"),
    (r"^(\W*)(?:is )?(?:the |our )?((?:[\w-]+ ){1,3}page)(?: a dead[- ]end|\s*[-\u2013\u2014,:]+\s*how many "
     r"(?:continue|go on|stay|carry on))\b(?! to\b)", r"\1where do people go after the \2"),
)  # fmt: skip
_OF_PEOPLE: Rules = (
    (r"\b((?:biggest|largest|smallest|highest|lowest|most expensive)\b.*\border\b.*?),? and when (?:was|is|did) "
     r"(?:it|this|that)(?: (?:placed|made|bought|ordered|happen))?(?=\W*$)", r"\1, and when"),
    (r"\bcarts (?:that were )?(?:filled|started|created)\b(.*?),? what number (?:made it|got) (?:through )?to (?:an? "
     r")?(?:order|purchase)", r"cart to order rate \1"),
    (r"\b(new (?:users|visitors|customers)) (?:did|do|have) we (?:acquired?|won|win|gained?|attract(?:ed)?)\b", r"\1"),
    (r"\b(?:pull|rake|rak|haul|reel)(?:s|ed|ing)? in\b", "bring in"),
    (r"\bhow much (?:money |cash )?(?:did|does|do|has|have) (?!we\b|i\b|(?:an?|one|each|every|the average) (?:[\w-]+ )?"
     r"(?:visit|session|user|visitor|order|customer|buyer|person|shopper)\b)(.+?) (?:bring in|brought in|bring us|"
     r"earn(?:ed)?(?: us)?|make us|"
     r"contribute|generate|bring)(?=\W*$| (?:in|during|on|over|last|this|since|from)\b)", r"revenue of \1"),
    (r"\breads? (?=(?:the )?(?:most|more|fewer|fewest|least) pages\b)", "views "),
    (r"\bwhich social (?:networks?|media|sites?|platforms?)\b", "which social sources"),
    (r"\bkeep(?:s|ing)? (?:on )?(?:coming|returning)(?: back)?(?: to us| here)?\b", "visited at least 2 times"),
    (r"\b(?:leav(?:e|es|ing)|left) (?:stuff|things|items|something|goods|products) (?:behind )?in (?:the|their|a) "
     r"(?:cart|basket)s?\b", "abandon the cart"),
    (r"\b(?:never|not) (?:get|gets|got|go|goes|went|make it|makes it) (?:past|beyond|further than) (?:the )?(?:first|"
     r"one) page\b", "viewed only one page"),
    (r"\bsearch(?:es)? results? (pages?)\b", r"search \1"),
    (r"\b(?:touch|us)(?:e|es|ed|ing) (?:the |our )?(?:on-?site|site|internal) search\b", "viewed search pages"),
    (r"\bhit (?:the |an |a )?(?=[\w ]*pages?\b)", "viewed the "),
    (r"\b(?:ended|ends?|ending|wound) up (?:purchasing|buying)\b", "end up ordering"),
    (r"\b(?:all up|all in all|in all(?=\W*$|,))(?!\w)", "in total"),
    (r"\bgrand total\b", "total"),
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
    (r"\bwho(?: has|'s| have|'ve)? been (?:here|(?:on|to) (?:the|our) (?:site|shop|store|website))\b", "who visited"),
    (r"^(\W*describe .*?\b(?:who|that)) abandon(?:s|ed)? (?:the|their|a) checkouts?", r"\1 began checkout and did "
     r"not order"),
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
    (r"\bwhat (?:are|do|did) (?:people|they|users|customers|visitors) (?:buy|buying|bought|order|ordering|"
     r"ordered)\??,? (by|per) (?=(?:product |item )?(?:category|brand))", r"items sold \1 "),
    (r"\bfrom what places and on which devices\b", "which countries and devices"),
    (r"\b(bounc(?:e|es|ed|ing)) (?:off|(?:off |away )?from) (?=the |our )", r"\1 on "),
    (r"\b(bounc(?:e|es|ed|ing)) (?:straight|right) (?:off|away)\b", r"\1"),
    (r"\b(land(?:s|ed|ing)?) (?:straight|directly|right|first)? ?(on|at) ", r"\1 \2 "),
    (r"^(\W*)(?:describe (?:the |our )?bouncers|(?:does |do )?whom? (?:do |did )?(?:we lose|leaves?(?: us)?) after "
     r"(?:only |just )?(?:a single|one|1) page)\b", r"\1sessions with only one page by channel"),
    (r"\b(?:which (?:users|visitors|customers|people)|who) (?:(?:have|has) )?(?:visit(?:ed|s)?|c[oa]mes?)(?: to)?(?: "
     r"us)? (?:the )?most(?: (?:often|frequently))?(?=\W*$|,? and (?:did|do|have) they\b)", "top users by sessions"),
    (r"\b(top users by sessions),? and (?:did|do|have) they (?:ever )?(?:order(?:ed)?|buy|bought)(?: (?:something|"
     r"anything))?", r"\1 and orders"),
    (r"\b(?:only |just )?(?:once|one time)(?:,? (?:and|but|then))+ (?:are |were )?gone(?: again)?(?=\W*$)",
     "exactly 1 times"),
    (r"\b(?:only |just )?(?:came|come|visited|(?:been|were) here|showed up|stopped by) (?:only |just )?(?:once|one "
     r"time),? (?:and|but|then) (?:then )?(?:(?:have |did |were )?(?:never|not) (?:again|(?:c[oa]mes?|returned?|(?:been"
     r" )?seen|visited|been)(?: back)?(?: again)?)|disappeared|vanished)(?=\W*$)", "visited exactly 1 times"),
    (r"\bwho (?:goes to|visits|reads|opens|views|looks at|uses) (.+?), (?:existing|old|returning|known) (?:customers |"
     r"users |visitors |ones )?or new(?: ones| customers| users| visitors)?\b",
     r"how many users viewed \1 by new or returning"),
    (r"\b(referrals?)(?:,? from (?:which|what))? (?:web)?(?:sites?|pages?)(?: exactly)?\b", r"\1 by source"),
)  # fmt: skip
_IDIOMS = (
    (r"\bs?h[e]\b(?!')", "they"), *VISITS_TO_ORDER, *SORT_ORDERS, *AT_THE_TIME, *ITEMS_OF_ORDERS, *EXITS_AND_HITS,
    *WHOLE_QUESTIONS, *COMPLEMENTS, *TURNS, *EVERYDAY, *_TALK, *_WORDS, *_COUNTS, *_SHARES, *_BREAKDOWNS,
    *_COMPARISONS, *_CHANGE, *_CAUSES, *_STEPS, *_OF_PEOPLE,
)  # fmt: skip
_COMPILED = [(re.compile(pattern, re.IGNORECASE), new) for pattern, new in _IDIOMS]
_THEY = re.compile(r"\b(?:they|them|these|those)\b", re.IGNORECASE)
_NAMED = re.compile(rf"\b(?:{PEOPLE}|sessions?|visits?|orders?|who)\b", re.IGNORECASE)  # that "they" can stand for


def in_plain_words(question: str, *, continues: bool = False) -> str:
    """The question without idioms.

    Args:
        continues: whether it may continue another: then "they" stays, unless the question names who they are.
    """
    text = question.replace("\u2019", "'")
    for pattern, new in _COMPILED:
        if continues and (found := pattern.search(text)) and _is_lost(found, found.expand(new)):
            continue
        text = rewritten(pattern, new, text)
    return re.sub(r"\s+", " ", text).strip() if text != question else question


def _is_lost(found: re.Match[str], text: str) -> bool:
    they = _THEY.search(found[0])
    return bool(they and not _THEY.search(text) and not _NAMED.search(found.string[: found.start() + they.start()]))
