"""Questions that people ask as a whole in words of their own, in the words of our measures."""

from __future__ import annotations

from beha2vec_core.chat.days.named_days import MONTH_NAMES
from beha2vec_core.chat.rewrites.sort_orders import GROUPS
from beha2vec_core.chat.rewrites.substitute import Rules
from beha2vec_core.chat.words.verbs import PEOPLE

_A = r"(?:(?:(?:the|our|an?) )?(?:average|typical|usual|single)|an?|each|every|one) "
_PERSON = "user|visitor|customer|buyer|shopper"
_THE = r"(?:(?:the|all|our) )*"
_SITE = r"(?:us|here|(?:the|our) (?:site|shop|store|website))"
_SHARE = r"(?:share|percent(?:age)?|proportion|part|%)"
_NOT = r"(?:(?:did|do|have|has|had)(?: not|n'?t)|never|not)"
_BUY = r"(?:buy|bought|order(?:ed)?|purchased?)(?: (?:anything|something|a thing))?"
_THINGS = "products?|items?|articles?|brands?|categor(?:y|ies)"
_CART = r"(?:cart|basket)s?"
_ORDERS = "(?:orders|purchases|baskets|carts)"
_STOPPED = r"\b(customers|buyers) (?:(?:who|that|have) )*(?:stopped|quit|ceased) "
_END = r"(?=\W*$)"
_RETURNED = (
    rf"\b(?:rate|{_SHARE}) of {_THE}{{}}(?:{PEOPLE}) (?:(?:that|who) )?(?:comes?|came|returns?|returned|visits?|"
    r"visited)(?: (?:back|again))* (?:with)?in (?:the first )?"
)
REPORTED_TO = "(?:the|my|our) (?:board|boss|team|manager|management|ceo|cfo|cmo|director|clients?|investors?|founders?)"
_TO_KNOW = (
    r"^\W*(?:(?:is|was) there )?(?:anything|something)(?: (?:important|new|interesting|big|else))*(?: that)? (?:i|we|"
    rf"{REPORTED_TO}) (?:should|needs? to|must|ought to) (?:know|look at|be aware of)"
)
_OF_FIRST = r"(?: (?:of|after|from) (?:their|the) first (?:visit|session))"
_MORE = r"\W*(?:(?:do|did|have|are|were|is) )?(?:(?:we|there) )?(?:(?:have|had|get|got) )?(?:more|fewer|less)"
COUNTED = r"orders|purchases|sessions|visits|page ?views|views|carts|users|visitors|people|buyers|customers"
_NEW_OR = r"(?:new|first[ -]time|returning|repeat|existing)"
_SOME = rf"{_NEW_OR}(?: or {_NEW_OR})?(?: (?:{PEOPLE}|ones))?"
_IS_IT = r"(?:(?:is|was) (?:it|this|that)|are (?:these|they|those|the)|were they)(?: (?:just|only|mostly|mainly|more))*"
_BUYS = r"(?:(?:is|are|were|was) )?(?:buy(?:s|ing)?|bought|order(?:s|ed|ing)|purchas(?:e[sd]?|ing))"
_TOP = r"(?:(?:the|our|biggest|largest|main|top) )*"
_SHOW = rf"^(\W*)(?:(?:show|list|give|who|what)(?: me| us)? )?(?:(?:are|were|is) )?{_TOP}"
_GROWING = r"(?:ris(?:e|ing)|rose|gr(?:ow|ew|owing)|increas(?:e|ing))"
_SHRINKING = r"(?:fall(?:ing)?|fell|shrink(?:s|ing)?|declin(?:e|ing)|decreas(?:e|ing)|drop(?:ping)?)"
_MOVES = rf"(?:(?:going )?(?:up|down)|{_GROWING}|{_SHRINKING})"
MEASURE = (
    r"(?:(?:sessions|visits|traffic|users|visitors|orders|purchases|sales|revenue|turnover|buyers|customers|(?:page "
    r"?)?views|aov|conversions?|engagement|bounce|(?:average )?order values?)(?: rate)?)"
)
UP_AND_DOWN = (  # is traffic up and revenue down
    rf"^\W*(?:(?:is|are|was|were|did|do|has|have) )?(?:the |our )?(?P<one>{MEASURE}) (?P<first>{_MOVES})"
    rf"(?:,? (?:and|but|while|yet|whereas)|,) (?:(?:is|are|did) )?(?:the |our )?(?P<other>{MEASURE}) "
    rf"(?P<second>{_MOVES})\b"
)

_AS_LANDING = r"(?:(?:work|do|perform)(?:s|ing)? )?as an? (?:landing|entry) page"
_HOW_DOES = r"(?:how (?:(?:well|good|badly) )?(?:does|do|did|is) )?(?:the |our )?"
WORTH_IT = r"worth (?:it|while|the (?:money|effort|trouble))"
OF_USE = r"(?:(?:of )?any (?:use|good)|useful|helpful|good for anything)"
_DOUBT = (  # conversion rate on mobile, or am I wrong?
    r"(?:,|\s[-\u2013\u2014])? or (?:(?:am|do) )?i (?:(?:see|read|get|understand|seeing|reading)(?: (?:it|this|"
    rf"that))? )?(?:wrong|right|mistaken|correctly){_END}"
)
_ONE_GROUP = rf"(?![^?]*\b(?:which|what|who|that|most|all|any|some|each|every|{GROUPS}|{PEOPLE}|we|they|it|there)\b)"
WHOLE_QUESTIONS: Rules = (
    (rf"\bhow many (sessions|visits|orders|purchases) (?:does|do|did|has|have) {_A}((?:\w+ )?)({_PERSON}) (?:have|"
     r"had|make|made|place|placed|get)(?: on average)?", r"\1 per \3 \2"),
    (rf"\bhow (?:long|much time) (?:do|does|did) (?:{PEOPLE}) (?:read|view|look at|stay on|spend (?:on|reading)) "
     r"(?:an?|one|each|every|a single|the average) page\b", "time on page"),
    (r"^(\W*)(?:the )?(?:(?:average|mean) )?time (?:spent )?on (?=(?:the |our )?(?:[\w-]+ ){1,3}page\W*$|\S*/\S*$)",
     r"\1time on page of "),
    (r"\b(?:the )?(?:(?:average|mean) )?time (?:spent )?on page (?:for|of) (?=\w)", "time on page: "),
    (rf"\b(?:which|what) pages? (?:links?|leads?|point)(?: {_THE}(?:{PEOPLE}))? to (?=[\w ]*\bpages?\b)",
     "which page comes before "),
    (rf"\bhow many (?:{PEOPLE}) (?:leave|left|exit(?:ed)?|quit)(?: {_SITE})? (?:on|at|from) (?=[\w /-]*\bpages?\b|"
     r"\S*/)", "how many exits on "),
    (r"^(\W*)(?:is|are|was|were) (.+?) (?:being )?(?:read|viewed|visited|looked at|opened) (more|less)(?: (?:often|"
     r"now))* than (?:before|earlier|in the past|(?:it|they) used to(?: be)?)" + _END,
     r"\1is \3 traffic on \2 over time"),
    (rf"\b({PEOPLE}) (?:of|with|using) {_THE}(?:site |internal |on-?site )?search(?: (?:box|bar|field|function))?"
     r"(?! (?:engine|ads?|traffic|console|campaign))\b", r"\1 who use the search"),
    (rf"\bnet (revenue|sales|turnover)(?:,? (?:after|less|minus|net of|without|excluding) {_THE}(?:refunds?|returns?|"
     r"refunded orders)\b)", r"net \1"),
    (rf"\b{_SHARE} of {_THE}(orders|purchases) (?:(?:that|which|is|are|was|were|gets?|got|has|have|been|being) )+"
     r"(?:refunded|returned|sent back)\b", r"share of \1 with a refund"),
    # within 7 days of the first visit: our retention
    (rf"{_RETURNED.format('(?:new|first[ -]time) ')}(?:(?:an?|one|1) week|(?:7|seven) days){_OF_FIRST}?", "retention"),
    (rf"{_RETURNED.format('')}(?:(?:an?|one|1) week|(?:7|seven) days){_OF_FIRST}", "retention"),
    (rf"{_RETURNED.format('(?:new|first[ -]time) ')}(\d+ days|\d+ weeks|two weeks)(?!{_OF_FIRST})",
     r"share of users who came back within \1 of their first visit"),
    (rf"\b(?:which|what) (\w+?)s? (?:brings?|brought|gets?|got|has|have|had|attracts?|attracted) (?:back )?(?:the )?"
     rf"most (?:(?<=back most )|(?<=back the most )|(?:returning|recurring) )(?:{PEOPLE})", r"returning users by \1"),
    (rf"\b({_THINGS}|things|stuff|what) (?:(?:that|which|are|is|were|was|gets?|got|often|do|does|did|{PEOPLE}|they) )*"
     rf"(?:put|adds?|added|placed?) (?:in|into|to) (?:the |their |an? )?{_CART},? (?:but|and|yet) (?:(?:then|are|is|"
     r"was|were|do|does|did|they|people|just) )*(?:(?:not|rarely|seldom|hardly(?: ever)?) (?:bought|ordered|purchased|"
     r"buy|order|purchase)|left(?: (?:there|behind|in it))?|abandoned|forgotten)",
     r"\1 are added to cart often but rarely bought"),
    (rf"\b({_THINGS}|things|stuff) (?:(?:that|which|are|is|were|was|gets?|got|do|did|{PEOPLE}|they|most|often|the) )*"
     rf"(?:abandon(?:ed)?|left(?: behind)?|forgotten|leave) in (?:the |their |an? )?{_CART}(?: (?:the )?most(?: often)?"
     r"| often)?", r"\1 are added to cart often but rarely bought"),
    (rf"{_TO_KNOW}(?: (?:about|of))?(?= (?:last|this|yesterday|in|since|from)\b)", "what changed"),
    (rf"{_TO_KNOW} (?:about|of)(?= (?:{MONTH_NAMES})\b)", "what changed in"),
    (rf"^(?!.*\b(?:last|this|in|during|since|{MONTH_NAMES})\b)(.*\b(?:more|less|fewer|better|worse)\b.*?) than "
     rf"(?:the )?(month|week) before{_END}", r"\1 last \2 than the \2 before"),
    (r"^(\W*)what (?:do|does|did) (.+?) do differently(?: (?:from|than|to|compared (?:to|with)) (?:the )?(?:others?|"
     r"rest|everyone else|everybody else))?" + _END, r"\1how do \2 differ from the others"),
    (rf"^(\W*)(?:is|are|was|were) (?:the |our )?(.+? page) (?:(?:really|actually) )?(?:{WORTH_IT}|{OF_USE})" + _END,
     r"\1conversion rate of sessions that viewed the \2 vs all others"),
    (r"^(\W*)(?:is|are|was|were|has|have|did|does|do) (?!(?:it|this|that|they|new|returning)\b)(?:the |our )?(.+?) "
     rf"(?:(?:really|actually) )?(?:{WORTH_IT}|(?:pay|pays|paid) off)" + _END,
     r"\1\2 against all others"),
    (r"^(\W*)(?:(?:is|are) (?:the |our )?)?(?![^?]*\b(?:it|this|that|they|rate|revenue|sales|value|orders?|conversion)"
     rf"\b)((?:[\w-]+ ){{1,3}}?)(?:traffic )?{OF_USE}(?:\?+ (?:it )?seems? .*|(?=\W*$))", r"\1\2against all others"),
    (rf"^\W*(?:is|are) ((?:the |our )?[^?]+? page) (?:good|worth it|{OF_USE})\? ([^?]+?)\b(?:it|this)(\W*)$",
     r"\2\1\3"),
    (r"^(\W*)(?:compare |how do )?(?:the |our )?(.+?)(?: page)? (?:and|vs\.?|versus|with|to|or|against) (?:the |our )?"
     r"(.+?)(?: page)?(?: (?:compare|do|work|perform))? as (?:landing|entry) pages(?: compare)?" + _END,
     r"\1sessions, conversion rate and revenue of landing page \2 vs landing page \3"),
    (rf"^(\W*){_HOW_DOES}(.+?)(?: page)? {_AS_LANDING}\W+(?:and )?(?:do|does|did) (?:the )?(?:{PEOPLE}|readers|they) "
     r"(?:go|get|click|continue|move)(?: on| through)? to (?:a |the )?products?(?: pages?)?" + _END,
     r"\1sessions, conversion rate, revenue and product view rate landing on the \2"),
    (rf"\b({MEASURE}) (?:of|for|on) (.+?) {_AS_LANDING}" + _END, r"\1 of sessions landing on \2"),
    (rf"^(\W*){_HOW_DOES}(.+?)(?: page)? {_AS_LANDING}" + _END, r"\1landing page \2 against all others"),
    # the size of orders is their value
    (rf"^(\W*)(?:are|were) (?:the |our )?((?:[\w'-]+ ){{0,2}}?){_ORDERS} (?=.*\b(?:smaller|bigger|larger)\b)",
     r"\1is the average order value \2"),
    (rf"(?<=\baverage order value )(.*\b(?:smaller|bigger|larger)) than (?:the |our )?(?:{_ORDERS}|those|ones) ",
     r"\1 than "),
    (r"\bcheckouts? (?:(?:that|which|are|is|were|was|get|got) )*(?:not|never) (?:finished|completed)\b|\b(?:unfinished|"
     r"incomplete|abandoned) checkouts\b", "sessions that reached the checkout but did not order"),
    *(
        (rf"^(\W*){ask}(?: now| currently)? {how}(?=\W*$| (?:in|over|during|since|last|this|within)\b)",
         rf"\1which \2 {did} most")
        for how, did in (
            (rf"(?:{_GROWING} (?:or|and) {_SHRINKING}|{_SHRINKING} (?:or|and) {_GROWING})", "changed"),
            (_GROWING, "grew"), (_SHRINKING, "lost"),
        )
        for ask in (
            r"(?:which|what) (?!pages?\b)(\w+) (?:is|are)",
            r"(?:(?:is|are|was|were) (?:there )?|do we have |did |does )any (?:of (?:the|our) )?(?!(?:pages?|"
            rf"sessions?|visits?|orders?|{PEOPLE}|{MEASURE})\b)(landing page|\w+(?: category)?)(?: (?:that|which)(?: "
            r"is| are)?)?",
        )
    ),
    (r"\bretention(?: rate)? (?:by|per) (?:first[ -](?:visit|session) (day|week|month)|(day|week|month) of (?:(?:the|"
     r"their) )?first (?:visit|session))s?\b", r"retention by \1\2"),
    (r"^(\W*)what (do|does|did) ([^,?]+?) (buy|order|purchase)\b([^,?]*?),? (?:by|per) (category|subcategory|brand)\b",
     r"\1which \6 \2 \3 \4\5"),
    # who bought it, new or returning customers
    (rf"^(\W*)(?:(?:and|but|so) )?(?:{_IS_IT} {_SOME}|(?:did|do|does|are) (?={_NEW_OR} or ){_SOME})(?: (?:who|that))? "
     rf"{_BUYS} (?!more|less|most|again|anything|something|in\b|on\b|for\b|at\b)(.+?){_END}",
     r"\1how many buyers of \2 by new or returning"),
    (rf"^(\W*)(?:(?:and|but|so) )?who (?:mostly |mainly )?{_BUYS} (it|them|these|those|this|that),? {_SOME}{_END}",
     r"\1how many buyers of \2 by new or returning"),
    # of two measures there is no more or less: both numbers
    (rf"^{_MORE} ({COUNTED}) than ({COUNTED})\b", r"how many \1 and \2"),
    (UP_AND_DOWN, r"are \g<one> and \g<other> up or down"),
    (rf"^\W*(?:is|are|did|has|have) (?:the |our )?({MEASURE}) {_MOVES},? or (?:is it |are |is )?(?:also|only|just) "
     rf"({MEASURE}){_END}", r"are \1 and \2 up or down"),
    *(
        (pattern.format(who), new.format(how))
        for who, how in ((r"winners? (?:and|or) losers?", "changed"), ("winners?", "grew"), ("losers?", "lost"))
        for pattern, new in (
            (_SHOW + r"{} (?:among|by|of|for) (?:the |our )?([a-z]+)\b", r"\1which \2 {} most"),
            (_SHOW + r"{} (\w+ (?:\w+ )?)(?:among|by|of|for) (?:the |our )?([a-z]+)\b", r"\1which \3 {} most \2"),
            (rf"\bwhich ([a-z]+) (?:are|were|is|was) {_TOP}{{}}\b", r"which \1 {} most"),
        )
    ),
    (r"(?:\s[-\u2013\u2014]|[.,;?])\s*(?:(?:is|was) (?:it|that|this) )?(?:really )?worth it" + _END,
     " against all others"),
    # what the answer is for
    (r"(?:[,.;?!]|\s[-\u2013\u2014]|\b(?:so|and|because|as))\s*(?:(?:so|and|because|as|that) )*(?:(?:can|could|"
     r"may) (?:i|we)|(?:i|we) (?:can|could|must|should|will|need to|have to|want to)) (?:safely |just )?(?:show|"
     r"present|report|tell|explain|forward) (?:it|this|that|them) to (?:the |my |our )?\w+"
     r"(?: (?!(?:by|per|for|in|on|at|last|this|since|from|with|during|until|and|or)\b)\w+){0,2}" + _END, "?"),
    (r"^\W*(?:(?:i|we)\b(?: (?:want|plan|need|would|like|have|am|are|going|to|make|run|start|send|do|launch|prepare|"
     r"planning|build|an?|our|the|new))* win[- ]?back (?:campaign|e?mail|mailing|newsletter|offer)[,.:;]? +)(?:who|"
     rf"(?:which|what) (?:{PEOPLE}))(?: (?:should|can|could|do|must) (?:i|we)| to) (?:take|target|contact|choose|pick|"
     r"select|include|use|address|approach|write to|mail|email)(?: for (?:it|this|that))?" + _END,
     "which users are at risk of not coming back"),
    (rf"\b(?:just|only) ({MEASURE}),? or (?:also )?(?={MEASURE}\b)", r"\1 and "),
    (rf"\b({MEASURE}),? or (?:also|only|just|merely) (?={MEASURE}\b)", r"\1 and "),
    # of one group: those of a kind that have none are a filter
    *(
        (rf"^(\W*){_ONE_GROUP}{has} (?:zero|no|0) (orders|sales|purchases|revenue|sessions|visits|buyers){end}",
         r"\1\3 from \2")
        for has, end in (
            (r"(?:do|does|did|has|have) ([\w.-]+(?: [\w.-]+){0,3}?)(?: (?:have|had|bring|get|got|make|made))?", _END),
            (r"([\w.-]+(?: [\w.-]+){0,3}?) (?:has|have|had|brings?|brought|gets?|got|makes?|made)", _DOUBT),
        )
    ),
    (_DOUBT, "?"),
    (rf"\b({MEASURE}) ((?:(?:do|does|did) )?(?:they|it|these|those)|(?:do|does|did) (?!(?:we|you|i|not|never)\b)"
     r"[\w-]+) (?:deliver|yield|contribute|produce|provide|supply)(?:s|e?d)?\b", r"\1 \2 bring"),
    (r"\bin danger (?=of\b)", "at risk "), (r"\b(?:in danger|at risk) to (not )?come\b", r"at risk of \1coming"),
    (rf"^(\W*)((?:(?:new|returning) )?(?:{PEOPLE}|sessions|visits|orders)\b[^,?]*), how many(?: (?:are|were) (?:they|"
     r"there|these|those|that))?" + _END, r"\1how many \2"),
    (r"^(?=.*\b(?:funnel|los[et]|drop|between)\b)(.*) (and|to|until) (?:the |an )?order confirmation\b"
     r"(?! (?:pages?|mails?|e-?mails?)\b)", r"\1 \2 order"),
    (r"\border confirmation(?: page)?(s?)\b(?! (?:e-?)?mails?\b)", r"confirmation page\1"),
    (r"^(\W*)have we grown" + _END, r"\1are we growing"),
    (r"\b(sessions|visits) (?:(?:that|which) )?(?:ends?|ended|stops?|stopped) after (?:the first|the 1st|one|a "
     r"single|their first) page(?: ?view)?\b", r"\1 with only one page"),
    (r"\bdropoff(s?)\b", r"drop-off\1"),
    (r"^\W*when did (we|the shop) (sell|get|have) (nothing|no orders)\b", r"on which days did \1 \2 \3"),
    (rf"\b{_SHARE} of {_THE}checkouts? (?:(?:that|which) )?(?:becomes?|became|turns? into|ends? (?:in|with)|leads? to|"
     r"results? in) (?:an? )?(?:order|purchase|sale)s?\b", "checkout completion"),
    (rf"\b({PEOPLE}) (?:(?:who|that|have) )*(?:visit(?:ed)?|came|come)(?: (?:to )?{_SITE})?,? (?:but|and|yet)(?: (?:"
     rf"then|they|who))* {_NOT} (?:actually |ever )?{_BUY}", r"\1 who did not order"),
    (rf"{_STOPPED}(?:coming(?: back)?|visiting|returning)" + _END, r"\1 have not visited in the last 30 days"),
    (rf"{_STOPPED}(?:buying|ordering|purchasing)" + _END, r"\1 have not bought in the last 30 days"),
)  # fmt: skip
