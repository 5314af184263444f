"""Idioms of shares, comparisons, breakdowns and change, in plain words: "slice of the pie", "side by side", "carve up".

None of them names what is counted.
"""

from __future__ import annotations

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

_TALK = (  # what stands around a question
    (r"(?:,|\s[-\u2013\u2014])?\s*(?<!\w)(?:ta|cheers|thx|mate|yaar|will ya|would you(?: please)?|could you|"
     r"if you (?:please|can|would|don't mind)|if poss(?:ible)?|(?:please|pls) and thank you|by (?:eod|tomorrow|"
     r"tonight)|go)\s*(?=[.!?]*$)", ""),
    (r"^\W*(?:just )?out of (?:pure |sheer )?(?:curiosity|interest)\b[,:]?\s*", ""),
    (r"\b(?:to me )?like (?:i'?m|i am) (?:five|5|a (?:child|kid))\b", ""),
    (r"^\W*(?:i'?m|i am|we'?re|we are) (?:doing|preparing|writing|putting together|working on|building|making|"
     r"finishing) (?:a|the|my|our) [\w -]*?(?:pack|report|deck|slides?|presentation|meeting|review|"
     r"board)\s*(?:[-\u2013\u2014:,.]\s+)", ""),
    (r"(?:[,.;?!]|\s[-\u2013\u2014])\s*(?:can'?t be many|feels like it(?: is)?|(?:or )?am i (?:right|wrong|"
     r"imagining (?:it|things))|(?:or )?is it just me|is that (?:right|true|so|correct)|full list|(?:what(?:'s|"
     r" is) )?the real (?:figure|number)|just the facts|true or false|(?:or )?is that just me(?: guessing)?|"
     r"right or wrong|one by one)\s*(?=[.?!]*$)", "?"),
    (rf"^\W*{_CLAIM}(?: that)?,?\s+(?=\w)", ""),
    (r"\b(?:do the needful and )\b", ""),
    # an order to show, not a share
    (r"^(\W*(?:(?:please|kindly|pls|can you|could you|would you|will you|now|and|then|hi|hello|hey)\W+)*)share "
     r"(?=(?:with )?"
     r"(?:the|me|us|with|our|a|all|counts?|numbers?|figures?|list|details|data|\w+[ -]wise)\b)", r"\1show "),
    (r"\b(?:walk|talk|take|run|guide) (?:me|us) through (?:how )?", "show "),
    (r"\bhelp (?:me|us) (?:to )?(?:understand|see|find out|figure out|work out) ", ""),
)  # fmt: skip
_CONTRACTIONS = (
    (r",? if that(?:'s| is) (?:a thing|something) (?:that )?you (?:track|measure|know|have)\b", ""),
    (r",? in one (?:line|sentence|word)\b", ""),
    (r",? \w+ (?:needs?|wants?) (?:this|it|them)(?: by \w+)?\s*(?=[.!?]*$)", ""),
    (r"\bcan(?:'t|not)\b", "can not"), (r"\bwon't\b", "will not"), (r"(?<=\w)n't\b", " not"),
    (r"(?<=\w)'ve\b", " have"),
    (r"\b(who|what|where|when|how|why|that|there)'s (?=(?!\w+'s\b)\w)", r"\1 is "), (r"\bwhos\b", "who is"),
    (r"(?<=\w)'re\b", " are"), (r"(?<=\w)'ll\b", " will"), (r"\bper cent\b", "percent"),
    (r"\b(?:ppl|folks?)\b", "people"), (r"\bbrand[- ]new\b", "new"), (r"\b(?:is|are) having\b", "has"),
    (r"\bevery ?one else\b", "everyone else"), (r"\bsomebody\b|\bsomeone\b", "people"),
)  # fmt: skip
_SHARES = (
    (r"\b(?:is|are|was|were) down to (?=[a-z])", "comes from "),
    (r"\bone (?:in|out of) how many\b", "what percent of"),
    (r"\b(?:slice|piece|share|part|chunk) of the (?:pie|cake|whole|total)\b", "share"),
    (r"\b(?:eat|eats|eating|ate|take|takes|taking|took|gobbl\w+|swallow\w*|hog\w*) up\b", "make up"),
    (r"\b(?:represents?|representing|constitutes?|constituting)\b(?=\W*$| (?:of|the|our|all)\b)", "make up"),
    (r"\bas an? (?:percentage|%|percent|share|proportion|fraction) of\b", "share of"),
    (r"\b(?:share|percentage|proportion|percent|%|fraction|portion|part) of ([\w -]+?) (?:among|amongst) (?:all |the |"
     r"our )?(?:those|people|users|visitors) who (?:bought|ordered|purchased|buy)\b", r"share of buyers that are \1"),
    (r"^(?=.*\b(?:how much of|what (?:share|part|percent\w*|portion|proportion|fraction) of|percent|"
     r"%))(.*?)\b(?:sits? in|lies? in|arrives? (?:by|via|through|from|on|in)|lives? in|stems? from|originates? (?:from|"
     r"in)|happens? (?:on|in|via)|takes? place (?:on|in))\b",
     r"\1 comes from"),
    (r"^(\W*)of (?:all |the |our )*(carts|baskets|checkouts)(?: (?:filled|started|created|begun))?(.*?),? (?:which|"
     r"what) (?:proportion|share|"
     r"percentage|part|fraction)(?: of them)? (?:was|were|is|are|got) (?:abandoned|left(?: behind)?)\b", r"\1share "
     r"of \2 abandoned \3"),
    (r"\bplus (?=(?-i:[A-Z]))", "and "),
    (r",?(?: and)? (?:put|show|add|with|plus) (?:the |their |its )?(?:share|percentage)s? (?:right )?(?:next to|beside|"
     r"alongside) (?:it|them|that|each)\b", ", also the share"),
    (rf"{_NOT_OF_GROUPS}(\W*)(is|are|was|were) {_PART} ((?:our |the |all )?(?:\w+ )?{_WHOLE}) ", r"\1what % of \3 \2 "),
    (rf"{_NOT_OF_GROUPS}(.*?)\b(?:ma[dk]es? up|accounts? for|is|are|makes?) {_PART} (.+)", r"\1 make up share of \2"),
    (rf"{_NOT_OF_GROUPS}(\W*(?:(?:do|does|did|is|are|was|were|have|has)\b )?){_PART} (.+)", r"\1share of \2"),
    (r"[,.?] (?:is it|are we|is that|are they) (?:above|over|below|under|more than|less than) \d+ ?(?:%|"
     r"percent)?\s*(?=\?*$)", ""),
)  # fmt: skip
_BREAKDOWNS = (
    (r"\bwhere (?:do|does|did) (?:our |the )?(.+?) (?:come from|live),? (?:geographically(?: speaking)?|in the "
     r"world)\b", r"\1 by country"),
    (r"\bdrill (?:down )?into\b", "show"),
    (r"\bonly rows (?:having|with)\b", "with"),
    (r",? (?:the )?most common(?: ones?)?(?: first)?\s*(?=[.?!]*$)", ""),
    (r"\b(breakdown|split|mix|distribution|balance) between\b", "split of"),
    (rf"\b(?:{_CUT}|tot|add|sum|count|tally) {_PARTICLE} (?=(?:(?!by\b|per\b|to\b)[\w-]+ ){{1,5}}(?:by|per|into|for "
     rf"each)\b)", "show "),
    (rf"\b{_CUT} ((?:[\w%-]+ ){{1,5}}?){_PARTICLE} (?=(?:by|per|for|into|along|across|between|according "
     rf"to)\b)", r"show \1"),
    (rf"\b{_CUT} {_PARTICLE} (?=(?:the|our|all|my)\b)", "show "),
    (rf"{_PLEASE}(?:cut|slice|group|divide|chop|carve|separate|arrange|"
     r"bucket|break) (?=(?:(?!by\b)[\w%-]+ ){1,4}by\b)", r"\1show "),
    (rf"\b{_CUT_DONE}(?: {_PARTICLE})? (?:by|along|according to) ", "by "),
    (r"(?<!\bon )\b(?!(?:one|day|week|month|quarter|year|step|side)\b)(\w{4,}) by \1\b", r"by \1"),
    (r"\bby default channel group(?:ing)?s?\b", "by channel"),
    (r"\b(campaign|product|item|country|channel|page|source|device|category|browser|brand)[- ]level\b", r"by \1"),
    (rf"\b(?:(?:an?|the) )?(?:(?:quick|overall|detailed|clear|full|complete) )*((?:by \w+ )?)view of (?=(?:the |our "
     rf"|all )?{_WHOLE})",
     r"\1"),
    (r"\bby (?:social )?networks?\b", "by source"),
    (r"\b(weekday|day of (?:the )?week|hourly|daily|weekly|monthly)[ -]patterns? (?:for|of|in) (?:the |our "
     r")?(\w+)\b", r"\2 \1"),
    (r"(?:,|\s[-\u2013\u2014])\s*mon(?:day)? (?:to|through|thru|till) sun(?:day)?\b", ""),
    (r"\b(?:cart|basket) add(?:s|itions)?\b|\badds? to (?:cart|basket)s?\b", "add to carts"),
    (r"\b(units|pieces|quantity)(?: sold)? and value\b", r"\1 sold and revenue"),
    (r"\b(?:ignor\w+|skip|leav\w+ out|exclud\w+|hid\w+|drop) (?:anything|everything|all|those|rows|the ones|groups)(?: "
     r"with| that (?:is|are|has|have))? (?:under|below|less than|smaller than|fewer than) (?=\d)", "with at least "),
)  # fmt: skip
_COMPARISONS = (
    # returning customers' share of revenue: of theirs, not of those who buy
    (rf"^(\W*(?:what(?:'s| is| was) )?(?:the )?)((?:new|returning|repeat|existing|first[ -]time) (?:{PEOPLE}))(?:'s|')?"
     rf" (share|percentage|part) of (?:the |our |all |total )*(?!(?:[\w-]+ )?(?:{PEOPLE})\b)(\w[\w ]*?)(?=\W*$|"
     r" (?:in|on|during|last|this|since|from|for)\b)", r"\1\3 of \4 from \2"),
    (r"(?<=\w)(,? )where (?:do|did) (?:we|people|they|users) (?=\w+ (?:more|most|better|best)\b)", r"\1which has "),
    (r"^(\W*)where (?:do|did) (?:we|people|they|users) (\w+ (?:more|better))(?=,? .*\b(?:or|vs)\b)", r"\1which has \2"),
    # the answer has both, in sum and per day
    (r"^(?=.*\bweekends?\b)(?=.*\b(?:weekdays?|working days)\b)(.*?) (?:per|a|each) day\b", r"\1"),
    (r"\bwhich (order|purchase|transaction) (?:is|was|were) (?:the |our )?(?:very |single )?(biggest|largest|"
     r"highest|smallest|lowest|most expensive|cheapest)\b(?: one)?", r"our \2 \1"),
    (r"\b(did|does|do|brings?|makes?) more business\b", r"\1 more revenue"),
    (r"\bspends? (more|less|the most|the least) time (?:browsing|looking around|shopping)\b", r"spends \1 time"),
    (r"\bfunnel leaks? (more|less)\b|\bfunnel (?:is|gets?) leak(?:y|ier)\b", "funnel"),
    (r"\bvar(?:y|ies)\b", "differ"),
    (r"\bhow (?:does|did|do|has|have) (.+?) (?:(?:do|done|perform|performed|sell) )?(?:compare|compared|"
     r"measure up|fare|fared|stack up|hold up|match up|"
     r"rate) (?:to|with|against) ",
     r"compare \1 with "),
    (r"\b(which|what) (\w+) (?:is|are) (?:lagging|trailing|falling behind|struggling|behind(?= on\b| in\b|\W*$))(?: "
     r"behind)?\b", r"\1 \2 has lowest"),
    (r"\b(which|what) (\w+) (?:is|are) (?:leading|winning|ahead|in front)\b", r"\1 \2 has highest"),
    (r"^(\W*)(?:is|are|was|were) (.+?) (?:(?:about|roughly|nearly|almost|pretty much|just|any) )*(?:the same|equal|"
     r"identical|similar|"
     r"no different|different) (?:(on|for|in|across|from|with)|between|among|of) (.+ (?:and|or) .+)", r"\1compare "
     r"\2 \3 \4"),
    (r"\bworth (more|less) than (?=[a-z])(?!one\b|two\b|a hundred\b)", r"\1 revenue per user than "),
    (r"\bwhen it comes to\b|\bas far as (?=[\w ]+ goes\b)|\bwith regards? to\b|\bon the subject of\b", "in terms of"),
    (r"\boutsell(?:s|ing)?\b|\boutsold\b", "have more orders than"),
    (r"\boutspend(?:s|ing)?\b|\boutspent\b", "spend more than"),
    (r"\b(?:outperform|outdo|outpac|outstrip|surpass|overtak|outshin)(?:s|es|e|ed|ing)?\b", "compared with"),
    (r"\bbeating\b", "compared with"),
    (r"\bhow far (?:behind|ahead of) (.+?) (?:is|are|was|were) (.+?) (?:on|in|for|by|in terms of) ([\w ]+?)(?=\W*$)",
     r"compare \3 of \2 with \1"),
    (r"^(\W*(?:is|are|was|were)\b.*?) (?:(?:still|far|way|well|much|always|now|lagging|trailing|falling|running|"
     r"lying) )*(?:ahead of|behind|in front of|trailing|leading)"
     r"(?! (?:it|this|that|schedule|the (?:drop|rise|change|increase|dip))\b)", r"\1 compared with"),
    (r"\b(?:big |large |huge )*gap (in|between|of)\b"
     r"(?! (?:\w+ ){0,2}(?:orders|purchases)\b(?! (?:and|vs|versus|or|of)\b))", r"difference \1"),
    (r"\bdifference between ([\w ]+?) and ([\w ]+?) (?:in|on|for) ([\w ]+?)(?=\W*$)", r"compare \3 of \1 and \2"),
    (r"\bwhose (?:is|are|was|were) (?=(?:the )?(?:big|larg|small|high|low|best|better|worse|more|most))", "which is "),
    (r",? or (?:are they |is it |is that )?(?:about |roughly |pretty much |just |more or less )*(?:the same|equal|"
     r"no different|not)\s*(?=\W*$)", ""),
    (rf"{_PLEASE}(?:put|set|stack|line|pit|hold|match|weigh|stand)(?: up)? ([\w .']+?) (?:up )?{_BESIDE} "
     rf"", r"\1compare \2 with "),
    (r"\b(?:put|show|place|lay|view|see|have) (?:me )?(.+?),? side by side\b", r"compare \1"),
    (r",? side by side\b", " compared"),
    (r"\bbehav(?:e|es|ing) (?:any |at all )?different(?:ly)?\b", "differ"),
    (r"\bor (?=(?:everyone|everybody|everything|anyone|everywhere) else\b|(?:all )?the rest\b)", "vs "),
    (r"\b(?!(?:the|a|an|which|what|our|this|that)\b)(\w+) (?:crowd|folk|brigade)\b", r"\1 traffic"),
    (r"\bworth (more|less|most|least) per (visit|session|user|visitor|customer|buyer|order)\b", r"\1 revenue per \2"),
    (r"\b(?:way|far|a lot|a bit|much|tons|loads) (more|less|better|worse|fewer|higher|lower|bigger|smaller)\b", r"\1"),
    (r"\b(?:pull|draw|attract|rak|haul|reel)(?:s|e|es|ed|ing)?(?: in)? (?=(?:the )?(?:more|most|less|fewer|"
     r"least)\b)", "bring "),
    (r"\b(?:ones|those|people|users|visitors) who (?:have|had) (?:been|visited|come)(?: here| to us)? "
     r"before\b", "returning ones"),
    (r"\bmade? it (?:all the way )?to the (?:till|finish line)\b", "reach checkout"),
)  # fmt: skip
_CHANGE = (
    (r"\bfall(?:en|s|ing)? off a cliff\b|\bfell off a cliff\b", "drop"),
    (r"\b(?:sudden|unexpected|noticeable) (?=(?:jumps?|drops?|spikes?|rises?|changes?)\b)", ""),
    (r"\bshow how (?=(?:the |our )?)(.+?) (?:moved|developed|changed|evolved)\b", r"trend \1"),
    (r"\b(\w+) usage\b(?=\s*(?:$|[-,:?]|over|by|in|since))", r"sessions of \1"),
    (r"\bhow (?!did\b|has\b|have\b|does\b|do\b|is\b|many\b|much\b|often\b|long\b)((?:[\w%-]+ ){1,4}?)(?:moved|"
     r"developed|changed|evolved)\b",
     r"trend \1"),
    (r"^(\W*(?:is|are|was|were|has|have)\b.*?) (?:getting|gotten|been getting) (?:worse|better|higher|lower|bigger|"
     r"smaller|weaker|stronger)\b(?!.*\bthan\b)", r"trend \1"),
    (r"\b(?:rack|clock|notch|chalk)(?:ed|ing|s)? up (?=(?:in|during|on|over|last|this|from|by|since|for)\b|\W*$)",
     "make "),
    (r"\b(?:was |were )?(?:any |a )?(?:kind|sort) of (?=(?:a )?(?:\w+ )?(?:change|bump|spike|drop|dip|increase|"
     r"trend|jump)\b)", "any "),
    (r"(?<=\w)'s (?=(?:been|dropped|fallen|risen|grown|gone|tailed|picked)\b)", " has "),
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
    (r"\bgetting (?:more (?:frequent|common|often)|commoner)\b", "increasing"),
    (r"\bgetting (?:less (?:frequent|common|often)|rarer)\b", "decreasing"),
    (r"\b(?:(?:towards|near) the end(?! of (?!the (?:year|period|data)\b))|as (?:the )?(?:time|months?|weeks?|"
     r"year) (?:went|goes|passed|passes|wore) (?:by|on)?|with time|as time (?:went|goes) (?:by|on))(?: of the (?:year|"
     r"period|data))?\b", "over time"),
    (r"\bfrom one (day|week|month|quarter|year) to the (?:next|other)\b", r"by \1"),
    (r"\b(?:how (?:did|has|have|does|do|is|are))\b(.*?) (?:move|moved|shift|shifted|track|tracked|been tracking|go|"
     r"gone)\b(?=\W*$| (?:over|across|since|during|in|month|week)\b)", r"trend \1"),
    (r"\b(?:the )?(?:low point|rock bottom|trough)\b", "lowest"),
    (r"\b(which|what) (day|week|month|hour|quarter)s? (?:looked|were|was|are|is|seem\w*|felt) (?:\w+ly |very |so |"
     r"really )*(?:quiet|slow|dead)\b", r"\1 \2s had lowest"),
    (r"^(?!.*\b(?:by|the|which) (?:week|month)\b)(\W*)(?:(?:did|do|have) we (?:have|see|get|seen|had|got)|(?:were|was|"
     r"are|is|have) there(?: been)?|any|show(?: me)?|find)(?: any| the)?(?: (?:unusual|sudden|big|large|sharp|strange|"
     r"odd|noticeable|unexpected))* (?:spikes|peaks|surges|outliers) in ",
     r"\1top 5 days by "),
    (r"\bwhat made (.+?) (?:such )?an? (?:good|great|strong|bad|poor|weak|terrible|slow|quiet) (?:day|week|month|"
     r"quarter|year)\b",
     r"what happened in \1"),
)  # fmt: skip
_WHY = (
    (r"\bjump(?:ing|s|ed)? ship\b", "leaving"),
    (r"\bwhat(?:'s| is| was) the reasons? (?:that |why |for which )?(?=(?!for\b|of\b|behind\b)\w)", "why "),
    (r"\b(?:is|was|are) there (?:a|any) reasons? (?:that |why )?(?=\w)", "why do "),
    (r"\bfor (?:what|which) reasons?\b|\bhow is it that\b|\bhow is it possible that\b", "why"),
    (r"[.,;?!]\s*(?:so )?(?:what gives|why so|wherefore|how so|how come|what(?:'s| is) (?:driving|behind) (?:it|"
     r"that)|why)\s*(?=\W*$)",
     ". Why?"),
    (rf"^(.*\b(?:why|how come|reasons?)\b.*?)(?:(?:loads|lots|a lot|plenty|many|tons)(?: of)? )?\b(?:visits|traffic|"
     rf"views|clicks|eyeballs|landings|visitors) (?:but|and|yet) {_LITTLE} {_SOLD}\b", r"\1low conversion rate"),
    (r"\bbounc(e|es|ing|ed) (?:off|away from|from)\b", r"bounc\1 on"),
)  # fmt: skip
_WHO = (
    (r",? and how (?:does|do|did) (?:that|this|it|they) compare (?:to|with|against)\b", " vs"),
    (r"\b((?:biggest|largest|smallest|highest|lowest|most expensive)\b.*\border\b.*?),? and when (?:was|is|did) "
     r"(?:it|this|that)(?: (?:placed|made|bought|ordered|happen))?(?=\W*$)", r"\1, and when"),
    (r"\bcarts (?:that were )?(?:filled|started|created)\b(.*?),? what number (?:made it|got) (?:through )?to "
     r"(?:an? )?(?:order|purchase)",
     r"cart to order rate \1"),
    (r"\b(new (?:users|visitors|customers)) (?:did|do|have) we (?:acquired?|won|win|gained?|attract(?:ed)?)\b", r"\1"),
    (r"\bspend(?:s|ing)? longer (?:on|in|at) (?:the |our )?(?:site|shop|store|website)\b(?: or less)?", "engagement "
     "time"),
    (r"\b(?:pull|rake|rak|haul|reel)(?:s|ed|ing)? in\b", "bring in"),
    (r"\bhow much (?:money |cash )?(?:did|does|do|has|have) (?!we\b|i\b|(?:an?|one|each|every|the average) (?:[\w-]+ )?"
     r"(?:visit|session|user|visitor|order|customer|buyer|person|shopper)\b)(.+?) (?:bring in|brought in|bring us|"
     r"earn(?:ed)?(?: us)?|make us|"
     r"contribute|generate|bring)(?=\W*$| (?:in|during|on|over|last|this|since|from)\b)", r"revenue of \1"),
    (r"\b(bounc(?:e|es|ed|ing)) (?:straight|right) (?:off|away)\b", r"\1"),
    (r"\b(?:com|cam|return)(?:e|es|ing|s|ed)?(?: back)? for an? (?:second|2nd|another|repeat) (?:visit|session|time|"
     r"go|look)\b",
     "visited at least 2 times"),
    (r"\breads? (?=(?:the )?(?:most|more|fewer|fewest|least) pages\b)", "views "),
    (r"\b(c[oa]mes?|coming) off (?=(?:the |our )?[\w.]+)", r"\1 from "),
    (r"\bwhich social (?:networks?|media|sites?|platforms?)\b", "which social sources"),
    (r"\bkeep(?:s|ing)? (?:on )?(?:coming|returning)(?: back)?(?: to us| here)?\b", "visited at least 2 times"),
    (r"\b(?:leav(?:e|es|ing)|left) (?:stuff|things|items|something|goods|products) (?:behind )?in (?:the|their|a) "
     r"(?:cart|basket)s?\b",
     "abandon the cart"),
    (r"\b(?:never|not) (?:get|gets|got|go|goes|went|make it|makes it) (?:past|beyond|further than) (?:the "
     r")?(?:first|one) page\b",
     "viewed only one page"),
    (r"\b(land(?:s|ed|ing)?) (?:straight|directly|right|first)? ?(on|at) ", r"\1 \2 "),
    (r"\bsearch(?:es)? results? (pages?)\b", r"search \1"),
    (r"\b(?:touch|us)(?:e|es|ed|ing) (?:the |our )?(?:on-?site|site|internal) search\b", "viewed search pages"),
    (r"\bhit (?:the |an |a )?(?=[\w ]*pages?\b)", "viewed the "),
    (r"\b(?:ended|ends?|ending|wound) up (?:purchasing|buying)\b", "end up ordering"),
    (r"\b(?:all up|all in all|in all(?=\W*$|,))(?!\w)", "in total"),
    (r"\bgrand total\b", "total"),
)  # fmt: skip
IDIOMS = (*_TALK, *_CONTRACTIONS, *_SHARES, *_BREAKDOWNS, *_COMPARISONS, *_CHANGE, *_WHY, *_WHO)
