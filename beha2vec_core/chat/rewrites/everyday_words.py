"""Everyday words that say the same as one that is known: "hailing from", "popped in", "ranks last", "along with".

Most have another meaning elsewhere ("landed in March", "landed on the home page"), so each stands with the words beside
it that make sure which one is meant.
"""

from __future__ import annotations

import re
from calendar import day_name

from beha2vec_core.chat.days.named_days import MONTH_NAMES as _MONTHS
from beha2vec_core.chat.words.numbers import NUMBER_WORDS
from beha2vec_core.chat.words.places import COUNTRIES
from beha2vec_core.chat.words.verbs import PEOPLE, forms

_WE = r"(?:we|i|they|(?:the|our|my) (?:shop|store|site|website|company|business|team))"
_DONE = (
    rf"\b((?:{PEOPLE}|who|that|they|those|anyone|anybody|everyone|visits|sessions)"
    r"(?: (?:have|has|had|did|also|then|first|actually|and|but)\b)*) "
)
_CAME = rf"\b({PEOPLE}|who|they)(?: (?:have|has|had|did|do))? "
_SITE = r"(?:the|our|this|my) (?:(?:web|online) ?)?(?:shop|store|site|website)(?! pages?\b)"
_MOST = (
    r"(?:the |our )?(?:most|more|highest|biggest|largest|greatest|fewest|least|less|fewer|lowest|smallest|best|worst)"
)
_MEASURE = (
    r"(?:(?:the|our|their|its|total|number of|average|new|unique) )*(?:revenue|sales|turnover|orders|purchases|"
    r"sessions|visits|traffic|users|visitors|buyers|customers|page ?views|views|bounce|conversions?|engagement|aov|"
    r"order value|(?:items|units) sold)\b"
)
_DAYS = "|".join(map(str.lower, day_name))
_DATE = rf"(?=(?:the )?(?:\d|mid|early|late|{_MONTHS}|{_DAYS}|easter|christmas|black friday|valentine))"
_ENDS = (
    r"(?=\W*$|,? (?:in|on|during|over|by|per|for|since|last|this|between|from|until|before|after|with|via|through|"
    r"yesterday)\b)"
)
_A_NUMBER = rf"(?= (?:\d|(?:one|{'|'.join(NUMBER_WORDS)})\b))"
_AN_AMOUNT = r"(?=(?:[$\u20ac\u00a3] ?)?\d)"
_DID_NOT = r"(?:(?:did|do|does|have|has|had)(?: not|n'?t)|not|never)"
_BRINGS = forms(
    "fetch deliver supply score net win lure attract pull feed provide furnish yield spark trigger prompt produce "
    "create gather collect harvest rake rack chalk notch drum reel",
    "won fed",
)
_COMES = forms("pour roll flow stream flood trickle pop stroll wander walk flock rush stumble")
_RISES = forms("leap balloon rocket swell expand boost mushroom advance", "leapt swollen")
_FALLS = forms("suffer shed ease retreat contract")
_LIVES = r"(?:liv(?:e|es|ing)|resid(?:e|es|ing)|resident|based|located|situated|domiciled|dwell(?:s|ing)?)"
_LINKED = (
    r"(?:belonging|assigned|attributed|attributable|traceable|credited|linked|tied|related|relating|pertaining|"
    r"connected|ascribed|allocated)"
)
_ABOUT = (
    r"(?:regarding|concerning|as regards|with (?:regards?|respect) to|in (?:regards?|respect) (?:to|of)|as (?:for|to)|"
    r"speaking of|talking (?:of|about)|looking at|turning to|when it comes to|on the (?:topic|subject) of)"
)
_OWNS = forms(
    "hold possess boast exhibit secure command claim host experience capture record register display report count "
    "achieve reach manage offer enjoy welcome greet grab"
)
_HAS = forms(
    "manage achieve welcome serve greet count register measure note experience witness secure close score observe host "
    "enjoy reach post book clock"
)
_HOLDS = (
    rf"(?:{forms('carry feature involve contain comprise')}|bear|bears|bearing|bore|(?:includ(?:e|es|ed|ing)|"
    r"consist(?:s|ed|ing)? of)(?= (?:an?|any|some|at|more|over|exactly)\b))"
)
_KINDS = (
    r"(channel|source|country|device|browser|brand|category|campaign|product|item|month|week|day|weekday|page type)"
)
_NATIONS = (
    rf"(?:{'|'.join(re.escape(name.lower()) for name in COUNTRIES)}|[a-z]+(?:ians|ans|ish|ese)|swiss|germans|dutch|"
    r"french|danes|swedes|poles)"
)
_SEVERAL = r"(channels|sources|countries|devices|browsers|brands|categories|campaigns|products|items)"
_LOWEST = r"(?:last|bottom|at the bottom|dead last)(?: place)?"
_HIGHEST = r"(?:first|top|at the top|on top|number one)(?: place)?"
_IN = r"(?:in|on|by|in terms of|when it comes to)"
_POLITE = (
    (r"^(\W*)(?:first (?:of all|off|up)|to (?:begin|start)(?: with)?|next(?: up)?|finally|lastly|for (?:the|my|our) "
     r"records?|at a glance|in (?:numbers|figures)|as an? (?:reminder|baseline|starting point)|for (?:reference|"
     r"context|comparison(?: purposes)?|completeness)|in (?:plain|simple|other) (?:terms|words|english)|just "
     r"(?:checking|to (?:confirm|check|be sure))|all things considered|one for you|long story short|strictly "
     r"speaking)\s*[,:]\s*", r"\1"),
    (r"^(\W*)(?:it(?:'?d| would)(?: really)? (?:help|be (?:lovely|great|nice|good|useful|helpful|interesting|handy)) "
     r"(?:to (?:know|see|have|get|learn)|if (?:you|i|we) (?:could|can) (?:show|see|get|have)(?: me)?)|i(?:'?d| would) "
     r"be (?:grateful|thankful|glad|happy|pleased) (?:for|to (?:see|get|have|know)|if you (?:could|can|would) (?:show|"
     r"give|tell)(?: me)?)|(?:(?:please|pls) )?(?:enlighten|brief|update) (?:me|us) (?:about|on)|let(?:'?s| us) "
     r"(?:talk(?: about)?|discuss))\b",
     r"\1show"),
    (rf"^(\W*(?:(?:please|kindly|can you|could you) )*)(?:provide|supply|output|hand over)(?: (?:me|us))?(?: with)? "
     rf"(?=(?:the |our |an? )?{_MEASURE})", r"\1show "),
    (r"^(\W*)how (?:was|is|were|has) (?:the )?(?:business|trade|trading)(?: (?:going|been))?(?=\W*$| (?:in|last|this|"
     r"during|over|since|on|with)\b)",
     r"\1how did we do"),
    (r"^(\W*)how (?:is|are) (?:the )?(?:business|trade|trading)(?: (?:going|doing))?"
     r"(?= (?:compared|vs|versus|against)\b)", r"\1how are we doing"),
    (r"^\W*how(?: is| are|'s) (?:(?:the |our )?business|things|it going|we doing|everything)\s*[?!.]+\s*(?=\w)", ""),
    (r"\bi(?:'d| would) (?:like|love) (?!to\b)", "show "),
    (r"\bsummari[sz]e (?=(?:the )?(?:last|this|past|today|yesterday|" + _MONTHS + r")\b)", "summary of "),
    (r"\b((?:changed|happened|is (?:new|different))\b.*?),? (?:that|which) (?:i|we) (?:should|need to|must|ought to) "
     r"(?:know|be aware)(?: (?:about|of))?(?=\W*$)", r"\1"),
    (r"\b(?:complete|aggregate|accumulated|approximate|exact|final) (?=(?:revenue|turnover|number|figures?|total|"
     r"amount)\b)", ""),
    (r"\bseparate (?=(?:users|visitors|people|buyers|customers)\b)|\bseparately (?=(?:for|by|per)\b)", ""),
    (r"\bhow many (?:various|separate) (?=(?:products|items)\b)", "how many different "),
    (r"\b(?:usual|customary) (?=(?:order|basket|cart|visit|engagement)\b)", "average "),
    (r"\bpunters\b", "people"),
    (r"\b(how (?:many|much)\b.*?) (?:do|would) you (?:think|reckon|expect|guess|believe|suppose) (?=will\b)", r"\1 "),
    (r"\b(visits|sessions) (?:that|which|who) (?:only|just) (?:see|saw|view|viewed|have|had|visit|visited|open|opened) "
     r"(?:one|1|a single) page\b", r"single-page \1"),
    (r"\b(visits|sessions) (?:that |which )?(?:start|begin|began|started|beginning|starting) (?:on|at|with|from) "
     r"(?:an? |the )?((?:[\w-]+ ){1,2})pages?\b", r"\1 landing on \2pages"),
    (r"\b(?:put|puts|adds?|added|saves?|saved|placed) (?:(?:something|anything|stuff|(?:an? |some )?(?:items?|"
     r"products?|things?)) )?(?:on|onto|to|in) (?:the |their |an? )?wish ?lists?\b", "added to wishlist"),
    (r"^(\W*)what (?=(?:do|does|did) [^,]* added to wishlist\b)", r"\1which products "),
    (r"(?<!how many )\b((?:products?|items?|brands?|categor(?:y|ies))\b[^,?]*?)(?: (?:that|which|who|are|is|were|was|"
     rf"gets?|got|been|have|has|do|did|(?:{PEOPLE})|they|mostly|most|often|the|frequently))* added to wishlist\b(?: "
     r"(?:the )?(?:most|often|frequently)(?: often| frequently)?)?", r"\1 by wishlist additions"),
    (r"\bhow (?:many times|often) (?:(?:is|are|was|were|has|have|been|do|did|people) )*(.+?) (?:been )?added to "
     r"wishlist\b", r"wishlist additions of \1"),
    (rf"\b({PEOPLE}) (?:with|who (?:have|had)) (?:(?:an?|some|any|their) )*(?:(?:items?|products?|something|things?) "
     r"(?:on|in) (?:the|their|an?) )?wish ?lists?(?: items?| products?)?\b(?! (?:pages?|views?))",
     r"\1 who added to wishlist"),
    (rf"\b(added to wishlist),? (?:who|that|but) (?={_DID_NOT}\b)", r"\1 and "),
    (r"\bnever (?:make|makes|made|get|gets|got) (?:it )?(?:as far as|to) (?=the (?:cart|checkout|payment|shipping|"
     r"order))", "never reached "),
    (r"^(\W*)(?:are|is) (?:the )?(?:baskets?|orders?|average order values?|aov|order values?) with (an? \w+) "
     r"(?:smaller|lower|bigger|higher|larger) than (?:those |orders |the ones |baskets )?without(?: (?:one|any|"
     r"an? \w+))?(?=\W*$)", r"\1average order value with \2 vs without"),
    (r"^(\W*(?:(?:and|but) )?)which (?:one |ones )?(?:gained|grew|rose|won)(?=\W*$)", r"\1which gained the most"),
    (r"^(\W*(?:(?:and|but) )?)which (?:one |ones )?(?:lost|fell|dropped|shrank|declined)(?=\W*$)",
     r"\1which lost the most"),
    (r"\bhow (?:badly|poorly) (?=(?:do|does|did|is|are|was|were)\b)", "how well "),
    (r"\bhow good (?=(?:is|are|was|were)\b(?!.*\b(?:predict|forecast|model|score)))", "how "),
    (rf"^(\W*)(?:is|are|was|were) ((?:our |the |my )?{_MEASURE}(?: rate)?) (?:any |very )?(?:good|bad|okay|ok|decent|"
     r"healthy|normal)(?=\W*$)", r"\1what is \2"),
    (r"^(\W*)(?:do you |would you )?mind telling (?:me|us)\b", r"\1tell me"),
    (r"\b(orders|purchases|sessions|visits|users)((?: (?:are|were|do|did|have|there|we|you))*) (?:on (?:the books|"
     r"record|file)|exist)\b", r"\1\2"),
    (r"^(\W*)(?:right|look|listen|say|team|guys|folks|everyone|everybody|all)\s*[,!:]\s*(?:so |then )?", r"\1"),
    (r"\bbe so (?:kind|good|nice) (?:and|as to|to)\b", "please"),
    (r"\b(?:(?:would|will|is) it (?:be )?(?:possible|feasible|ok|okay|doable) (?:for you )?to|(?:are|would|will) you "
     r"(?:be )?able to) (?=(?:see|get|show|know|have|find|give|tell|list|compare)\b)|\b(?:do|can|could) (?:you do )?me "
     r"a favou?r(?: and)?\b", "please "),
    (r"^(\W*)i (?:must (?:know|see|have)|(?:(?:urgently|desperately|really|badly) )+need|(?:urgently )?require|am "
     r"(?:keen|eager|anxious|dying|itching) to (?:know|see|learn)|(?:would )?(?:fancy|appreciate|welcome)(?: a look "
     r"at)?)\b", r"\1show"),
    (r"^(\W*)(?:i(?:'m| am) after|dig (?:up|out)|rustle up)(?= \w)", r"\1show"),
    (r"^(\W*)when(?:ever)? you (?:have|get|find) (?:an? )?(?:minute|moment|second|chance|time)\s*[,:]\s*", r"\1"),
    (r"^(\W*(?:please )?)(?:(?:run|crunch|pull) the numbers (?:for|on)|(?:fetch|tabulate|visuali[sz]e|illustrate|"
     r"enumerate)(?= [a-z]))", r"\1show"),
    (r"\b(?:an? |the )?(?:snapshot|glance|glimpse|tally|run-?down) (?:of|on|for)\b", ""),
    (r"\bwhen all is said and done\b", ""),
    (r"\b(our|my|the) (?:(?:very own|own|lovely|little|dear|beloved|wonderful|humble|tiny|nice|great) )+(?=(?:web "
     r"?)?(?:shop|store|site|website|business|company)\b)", r"\1 "),
    (r"\b(?:our|my|the) (?:business|firm|enterprise|organi[sz]ation)(?= (?:get|got|ma[dk]e|do|did|have|had|has|receive|"
     r"take|took|sell|sold|earn|gr[eo]w|perform|generate|bring|see|saw|win|lose|lost)\b|\W*$)", "the shop"),
    (r"\bhuman beings?\b", "people"),
    (r"\b(?:level|volume|quantity) of (?=(?:the |our )?(?:orders|visits|sessions|users|visitors|page "
     r"?views)\b)", "number of "),
    (r"\b(?:level|volume|size|scale|extent|magnitude) of (?=(?:the |our )?(?:traffic|revenue|turnover)\b)", ""),
)  # fmt: skip
_LINKS = (  # what stands between a measure and what limits it
    (r"\b(?:can|could|do|may) (?:we|i|you) (?:attribute|credit|assign|ascribe|trace(?: back)?) to\b", "come from"),
    (r"\bcourtesy of\b", "from"), (r"\bpertains? to (?=\w)", "is from "),
    (r"\b(?:tagged|labell?ed|classified|categori[sz]ed|filed) (?:as|under) (?=\w)", "of "),
    (rf"\bbut for (?=(?:{_NATIONS}|mobile|desktop|tablet|email|direct)\b)", "except "),
    (r"\b(?:when|if) (\w+) (?:is|are) (?:excluded|left out|removed|ignored|omitted)\b", r"except \1"),
    (rf"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )\b(?:driven|produced|sparked|triggered|prompted|contributed|"
     rf"referred|earned|won) by (?!(?:{PEOPLE}|in|on|during|last|this|since|what)\b)", "by "),
    (rf"\b{forms('hail stem originate derive result arise emanate')} from\b", "come from"),
    (rf"^(?!\W*(?:where|in (?:which|what)|do|does|did)\b)(.*?)\b({PEOPLE}|ones|those)(?: (?:who|that))?(?: (?:are|is|"
     rf"were|was))? {_LIVES} in (?=[a-z])", r"\1\2 in "),
    (rf"^(?!\W*(?:is|are|was|were|do|does|did)\b)(.*?)(?<!page )(?<!pages )\b(?:(?:that|which) )?(?:(?:are|is|were|was|"
     rf"be|being) )?{_LINKED} (?:to|with) (?=\w)", r"\1of "),
    (r"\b(?:whose|(?:where|for which|in which) the) (?:channel|source|medium|country|device|browser|brand|category|"
     r"campaign|operating system) (?:is|was|are|were|equals) (?!not\b|unknown\b|an?\b|the\b)", "of "),
    (rf"^(\W*){_ABOUT} (?!how\b|what\b|which\b)([^,?]+), (?=(?:how|what|which|who|did|do|does|is|are|was|were|show|"
     rf"give)\b)", r"\1for \2, "),
    (r"\b(?:regarding|concerning|with (?:regards?|respect) to) (?=[a-z])", "of "),
    (rf"\b(?:all|right|clean) through (?=(?:the )?(?:{_MONTHS}|week|month)\b)", "in "),
    (r"\b(?:falls?|fell|goes|went|accrues?|accrued) to (?=(?:the )?(?:[a-z]+land|germany|austria|france|[a-z]+n "
     r"customers|mobile|desktop|tablet|email|direct|organic|paid)\b)", "is from "),
    (rf"\b(orders|purchases)(?: (?:that|which))? (?:{forms('carry contain comprise')}|consist(?:s|ed|ing)? of|with|"
     rf"ha[ds]|have) (?=(?:\d+|{'|'.join(NUMBER_WORDS)}) (?:items|products|pieces|units)\b(?! (?:or|and)\b))",
     r"\1 with exactly "),
    (r"\b(orders|purchases|sessions|visits|carts|baskets)(?: (?:that|which))? consist(?:s|ed|ing)? of (?:(?:only|just|"
     r"exactly) )?(?:one|a single) ", r"\1 with exactly 1 "),
    (rf"\b(orders|purchases|sessions|visits|carts|baskets)(?: (?:that|which))? {_HOLDS} (?!(?:the )?(?:tax|vat|"
     rf"shipping|refunds?|only|just|nothing|solely|exclusively)\b)", r"\1 with "),
    (r"\b(orders|purchases|sessions|visits|carts|baskets|users|visitors)(?: (?:that|which|who))? (?:lack(?:s|ed|ing)?|"
     r"are missing|devoid of) (?=(?:an?|any) (?:coupon|voucher|search|order|purchase|cart)\b)", r"\1 without "),
    (r"\b(?:citizens|residents|inhabitants) of (?=[a-z])", "users from "),
    (r"\b(?:excepting|bar|minus) (?=(?:the |those |ones )?(?:from |on |in )?(?:mobile|desktop|tablet|email|direct|"
     r"organic|paid)\b)", "except "),
)  # fmt: skip
_JOINS = (
    (r"\b(?:leaving|setting|putting) aside\b", "except"), (r"\banywhere (?=(?:but|except)\b)", "everywhere "),
    (r",? with (?:the )?(\w+(?: \w+)?) (?:left out|removed|excluded|omitted|taken out)\b", r" except \1"),
    (r", (\w+) aside(?=\W*$)", r" except \1"),
    (rf",? (?:plus|along with|alongside|next to|beside|together with|coupled with|in addition to|accompanied by|and "
     rf"(?:additionally|furthermore|moreover|in addition|on top of that|equally|likewise)) (?={_MEASURE})", " and "),
    (rf"(?<!\bwho )(?<!\bthat )(?<!\bwho)(?<!\bthat),? *(?:(?:and|but) )?\b(?:yet|although|though|even though|while|"
     rf"whilst|whereas|however|nevertheless|nonetheless|despite)\b,?(?: (?:they|who|then|still))* (?={_DID_NOT} "
     rf"(?:\w+ly )?\w)(?!not (?:in|on|from|via|by|with)\b)", " but "),
    (r"\bbut (?:not|never) (?:actually |ultimately |finally )?(?:buying|ordering|purchasing|converting)\b(?: "
     r"(?:anything|something))?", "but did not buy"),
    (r"\band (?:subsequently|afterwards?|thereafter|next|after that|later on) (?=[a-z]+ed\b|bought\b|saw\b|came\b)",
     "and then "),
    (r"\band (?:in the end|at last|at length|in due course|eventually|finally) (?=[a-z]+ed\b|bought\b|saw\b)", "and "),
)  # fmt: skip
_GROUPS = (
    (rf"\bon an? {_KINDS} basis\b", r"by \1"), (r"\bon an? (daily|weekly|monthly|quarterly|hourly) basis\b", r"\1"),
    (r"\b(?:spread|distributed|scattered|split) (?:out )?(?:over|across|throughout) the week\b", "by weekday"),
    (r"\b(?:spread|distributed|scattered|split) (?:out )?(?:over|across|throughout) the day\b", "by hour"),
    (r"\brate of (?:purchase|purchasing|buying|ordering)\b(?! (?:again|back|more)\b)", "conversion rate"),
    (r"\bwhat (?:has|have) (.+?) looked like\b", r"trend of \1"),
    (rf"\bwhat (?:dragged|pulled|pushed|sent|brought|weighed) (?:the |our )?({_MEASURE}) (?:down|up)\b",
     r"what drove \1"),
    (r"\b(which|what) (products|items|brands|categories) (?:move|fare|shift)s? (?=(?:the )?(?:best|worst|most|"
     r"least)\b)",
     r"\1 \2 sell "),
    (r"\b(?:moves?|moved|shifts?|shifted) (?=(?:the )?(?:most|fewest|least) (?:units|items|pieces|"
     r"products)\b)", "sells "),
    (r"\bcontribut(?:es?|ed) (?=the most (?:revenue|orders|sales|sessions|visits|traffic)\b)(?!.* to (?:the "
     r")?(?:change|growth|drop|rise|increase|decline))", "brings "),
    (r"\b(?:on|at) (?:which|what) pages? do (?:our |the |most )?(?:visitors|users|people|customers) (?:first "
     r")?(?:arrive|enter|come in)(?: first)?\b", "top landing pages by sessions"),
    (rf"^(\W*)how (?:do|did|does|are) (?:(?:the|our) )?{_SEVERAL}(?: \w+ly)? (?:score|fare|measure up|compare|do|"
     rf"perform|rate) (?:in|on|for|by|in terms of) (?=(?:the )?{_MEASURE})(.+?)(\W*)$", r"\1\3 by \2\4"),
    (r"\b(how (?:has|have|did|does|do)) (.+?) (?:behaved?|fared?|progress(?:ed)?|unfold(?:ed)?)(?=\W*$| (?:since|in|"
     r"during|over|by|from|month|week|day|this|last)\b)", r"\1 \2 developed"),
    (r"\bhow much business (?=(?:came|comes|did|does|do)\b)", "how much revenue "),
    (rf"\bwhat (?:figure|number|level|total|amount) did ({_MEASURE}) (?:reach|hit|come to|amount to)\b",
     r"what was \1"),
    (rf"\bwhat (?:did|does|do|has|have) (\w+) (?:contribute|add|give us) in ({_MEASURE})", r"\2 of \1"),
    (rf"\b(?:what|how much(?: money)?) (?:did|do|does|have|has) (?:the )?({_NATIONS}) (?:spend|spent|lay out|shell out|"
     rf"fork out){_ENDS}(?! on (?:ads|advert|market|average))(?! per (?:order|user|visit|session|customer|buyer|head|"
     rf"person)\b)",
     r"revenue of \1"),
    (r"\b(?:culminat|conclud)(?:e|es|ed|ing) (?:in|with) (?=(?:an?|the) )", "ended in "),
    (r"\b(visits|sessions|users|visitors|people) (?:kick(?:s|ed)? off|commence[sd]?|set off) (?:on|at|with) ",
     r"\1 landing on "),
    (rf"\bwhere do (?:our |the |most )?(?:visits|sessions|users|visitors|people) (?:kick off|commence|set off){_ENDS}",
     "top landing pages by sessions"),
    (r"\b(?:which|what) pages? (?:are|were|is|was|get|got) (?:opened|consulted|accessed|called up|pulled up) (?:the "
     r")?most(?: often)?\b", "most viewed pages"),
    (r"\b(?:go(?:es)?|went|end(?:s|ed)? up|land(?:s|ed)?) in(?:to)? (?:the|their|a) (?:shopping )?(?:cart|basket)s?(?= "
     r"(?:the )?(?:most|least))", "are added to the cart"),
    (rf"\b(which|what) (\w+) (?:leads?|excels?|shines?|stands? out|dominates?|(?:matters?|counts?|weighs?) (?:the "
     rf")?most) (?:for|{_IN})(?= {_MEASURE})", r"\1 \2 has the highest"),
    (rf"\b(which|what) (\w+) (?:lags?|trails?|disappoints?|struggles?|(?:matters?|counts?|weighs?) (?:the )?least) "
     rf"(?:for|{_IN})(?= {_MEASURE})", r"\1 \2 has the lowest"),
    (rf"\b(?:for|across|over|of) (?:the|our|all(?: the| our)?|each of the) (?:various|respective|individual|different|"
     rf"several|single) {_SEVERAL}\b", r"by \1"),
    (rf"\b(?:depending on|according to|as a function of|as seen by) (?:the )?{_KINDS}\b", r"by \1"),
    (rf"\bfrom an? {_KINDS} (?:point of view|perspective|standpoint|angle)\b", r"by \1"),
    (rf"\b{_KINDS}wise\b", r"by \1"),
    (rf"\b({_MEASURE}) (?:listed|shown|displayed|presented|tabulated|reported) (?=(?:by|per) {_KINDS})", r"\1 "),
    (r"\b(?:one )?(day|week|month|quarter) after (?:\1|the (?:other|next)|another)\b", r"by \1"),
    (rf"\b((?:which|what) (?:(?!do|does|did|have|has)\w+ ){{1,3}}?)(?:{_OWNS}|suffers? from) (?={_MOST}\b)", r"\1has "),
    (r"\b(?:star|foremost|premier|headline|topmost) (?=(?:products?|items?|brands?|sellers?|channels?|sources?|landing "
     r"pages?)\b)", "top "),
    (r"\b(which (?:cluster|segment|group)s?) shops? (?=(?:the )?(?:most|least)\b)", r"\1 buys "),
    (r"\b(?:average|mean|typical) (?:bill|receipt|ticket|cheque|check)(?: size| value)?\b(?! ?out)", "average order "
     "value"),
    (r"\bpage (?:loads?|requests?|calls?|opens)\b(?! (?:times?|speeds?))", "page views"),
    (r"\b(?:wares|merchandise|goods|commodities|stuff) sold\b", "items sold"),
    (r"\b(units|pieces|items|products) (?:shifted|moved|offloaded)\b", r"\1 sold"),
    (r"\bcompletion rates? (?:of|at|for|in) (?:the )?checkouts?\b", "checkout completion rate"),
    (rf"^(\W*(?:(?:the|our|show|give|me|what|are|were) )*)results (?:for|of|in) (?=(?:the month of )?(?:{_MONTHS}|last|"
     rf"this)\b)", r"\1numbers for "),
    (r"^(\W*how (?:did|has|have|is|are) .+?) (?:turn(?:ed|ing)? out|pann?(?:ed|ing)? out|shap(?:e|ed|ing) up|work(?:ed|"
     r"ing)? out)\b", r"\1 do"),
    (r"^(\W*(?:is|are|was|were)\b.*?) (?:(?:far|much|still|really|clearly) )*(?:inferior|superior|equal|comparable|"
     r"equivalent|on (?:a )?par|in line|level|neck and neck) (?:to|with) ", r"\1 compared with "),
    (r"\bwhat (?:(?:has|have) )?(?:propelled|fuell?ed|lifted|boosted|raised|buoyed|powered|dented|hurt|harmed|"
     r"depressed) (?=(?:the |our )?(?:revenue|sales|orders|traffic|visits|sessions|conversion))", "what drove "),
    (r"\b(?:are|is) (?:set|bound|forecast|anticipated|due|projected|predicted|slated) to (?=(?:buy|order|purchase|come|"
     r"return|convert|visit)\b)|\b(?:may|might) (?=(?:buy|order|purchase|come back|return|"
     r"convert)\b.*\bnext\b)", "will "),
)  # fmt: skip
_TIMES = (
    (rf"\bthroughout (?=(?:the month of )?(?:{_MONTHS}|last|this)\b)", "in "), (r"\bas opposed to\b", "vs"),
    (rf"\b(orders|purchases|sessions|visits) dat(?:es?|ing) (?:from|back to) {_DATE}", r"\1 in "),
    (rf"\b({_MONTHS}) (?:alone|itself|by itself|on its own)\b", r"\1"),
    (rf"\bdid ({_MONTHS}) (?:trump|lag|match|equal|outdo|top|fall short of|eclipse|rival) (?=(?:{_MONTHS})\b)",
     r"did \1 beat "),
    (rf"\b(?:in|during|over|for|within) the period (?:of |from |between )?{_DATE}", "from "),
    (rf"\bdated (?:on )?{_DATE}", "on "),
    (rf"\b(?:relative to|(?:set|measured|stacked|held|pitted)(?: up)? against|in contrast (?:to|with)|in relation to) "
     rf"(?:{_DATE}|(?=(?:last|the) (?:week|month|quarter|year|previous|prior)\b))", "compared to "),
    (rf"\b(?:swing|movement) in (?={_MEASURE})", "change in "),
    (rf"\b(?:prior to|in advance of|preceding|ahead of) {_DATE}", "before "),
    (r"\bprior to (?=\w+ing\b|(?:the|their|an?) (?:\w+ )?(?:order|purchase)\b)", "before "),
    (rf"(?<!the )\bfollowing {_DATE}", "after "),
    (rf"(?<!the )(?<!since )\b(?:starting|beginning|commencing)(?: (?:on|from|with))? {_DATE}", "since "),
    (rf"\b(?:amid|amidst|in the course of|for the duration of|inside) (?=(?:the )?(?:first |last |whole |entire "
     rf")?(?:week|month|{_MONTHS}|\d))", "in "),
    (r"\b(?:all the way |right )?up (until|till) (?=[a-z\d])", r"\1 "),
    (r"\b(between .+? and .+?|from .+? (?:to|until|through) .+?),? (?:both )?inclusive(?! of\b)", r"\1"),
)  # fmt: skip
_NUMBERS = (
    (rf"\bexceed(?:s|ed|ing)?{_A_NUMBER}", "over"),
    (rf"\bprecisely{_A_NUMBER}", "exactly"),
    (r"\b(placed|place|made|make|had|have|with) an? (?:pair|couple) of (?=(?:orders|purchases|visits|sessions)\b)",
     r"\1 exactly 2 "),
    (r"\b(?:stayed|remained|lay|sat) (?=(?:below|under|above|over)\b)", "were "),
    (r"\b(orders|purchases) (?:amount(?:ed|s)?|ran|add(?:ed)? up) to (?=(?:more|less|over|under|at) )", r"\1 were "),
    (rf"\b(?:(?:no|not) (?:fewer|less) than|(?:an? |the )?minimum of){_A_NUMBER}", "at least"),
    (rf"\b(?:(?:no|not) more than|(?:an? |the )?maximum of){_A_NUMBER}", "at most"),
    (rf"\b(?:surpass(?:es|ed|ing)?|topped|tops|topping|beat|beats|cross(?:es|ed|ing)?|(?:went|go|goes|going) (?:above|"
     rf"over|beyond|past)) {_AN_AMOUNT}", "over "),
    (rf"\b(?:beneath|underneath) {_AN_AMOUNT}", "below "),
    (rf"\bin excess of {_AN_AMOUNT}", "over "),
)  # fmt: skip
_ACTIONS = (
    (rf"\b({PEOPLE})(?: (?:have|has))? (?:turned into|converted (?:in)?to) (?:an? )?(?:paying "
     rf")?(?:buyers?|customers?|"
     r"shoppers?)\b", r"\1 who bought"),
    (r"\b(orders|purchases|visits|sessions)(?: (?:have|has|did))? (?:occur(?:red)?|transpired?)\b", r"\1 were made"),
    (r"\b(?:typed|entered|put) (?:something|anything|a (?:word|term|query)) (?:in|into) (?:the |our )?search(?: (?:box|"
     r"bar|field))?\b",
     "used the search"),
    (r"\b(?:(?:committed to|decided on|settled on|opted for) (?:an? )?(?:purchase|order)|(?:decided|chose|opted) to "
     r"(?:buy|order|purchase)|ended up placing (?:an )?orders?)\b", "bought"),
    (r"\b(?:brought|brings?) about (?=an? (?:order|sale|purchase)\b)", "ended in "),
    (rf"\b({_MEASURE}[^,?]*?) (did|do|does|have|has) ({_WE}|you) {_HAS}{_ENDS}", r"\1 \2 \3 have"),
    (rf"\b(how (?:many|much) .+?) (did|do|does|have|has) ({_WE}|people|customers) (?:offload|flog|shift|move|(?:get|"
     rf"got) rid of){_ENDS}", r"\1 \2 \3 sell"),
    (r"\b(?:(?:were|was|are|got) )?(?:changed hands|snapped up|found (?:a |their )?buyers?)" + _ENDS, "were sold"),
    (r"\b(?:perform|did|do|ran|run|made|make|conduct|carr(?:y|ied) out)(?:ed|s)? (?:an?|any) (?:site |internal "
     r")?search(?:es)?\b(?! (?:ad|campaign|engine))|\b(?:made|make|makes|making) use of (?:the |our )?(?:site |"
     r"internal )?search\b", "used the search"),
    (r"\b(?:made use of|make use of|availed of|took advantage of|cashed in|applied|entered|redeemed) (?=(?:an? |the |"
     r"any )?(?:coupon|voucher|[A-Z]+\d+\b))", "used "),
    (rf"{_DONE}check(?:ed|s|ing)?(?: out)? (?=(?:the|our|an?) (?!order)(?!.*\bbox(?:es)?\b))", r"\1 viewed "),
    (r"\b(?:advanc(?:e|es|ed|ing)|progress(?:es|ed|ing)?|proceed(?:s|ed|ing)?|(?:mov(?:e|es|ed|ing)|carr(?:y|ies|ied|"
     r"ying)) on|head(?:s|ed|ing)?|got as far as)(?: on)?(?: to)? (?=(?:the )?(?:checkout|payment|cart)\b(?! "
     r"pages?))", "reached "),
    (r"\b(?:went|go|goes|gone) ahead and (?=\w)", ""),
    (rf"\b{forms('depart vanish disappear exit')} (?=without\b)", "left "),
    (rf"(?<!\bwe )(?<!\bthey )(?<!\bwho )\b{_BRINGS}(?: us| me| in| up)* (?={_MOST}\b)(?!.* to\W*$)", "brings "),
    (rf"\b({_MEASURE} (?:did|does|do|has|have)) (?!{_WE}\b|(?:the |our )?(?:{PEOPLE})\b)((?:[\w.]+ "
     rf"){{1,3}}?)(?:{_BRINGS}(?: us| in| for us)*|land(?:ed)? us){_ENDS}", r"\1 \2bring"),
    (rf"\b{_COMES} in\b(?! (?:pages?|orders|sales|customers|visitors|users)\b)", "came in"),
    (rf"\b((?:did|do|does|has|have|is|are|was|were)\b.*?) {_RISES}(?= (?:the )?most\b|{_ENDS})", r"\1 rise"),
    (rf"\b((?:did|do|does|has|have|is|are|was|were)\b.*?) {_FALLS}(?! from\b)(?= (?:the )?most\b|{_ENDS})", r"\1 fall"),
    (rf"\b({_MEASURE}|which \w+) {_RISES}(?= (?:the )?most\b|{_ENDS})", r"\1 rose"),
    (rf"\b({_MEASURE}|which \w+) {_FALLS}(?! from\b)(?= (?:the )?most\b|{_ENDS})", r"\1 fell"),
    (rf"\b(any|an?|the|that|this) (?:boost|hike) (?=(?:in|to|of) {_MEASURE})", r"\1 increase "),
    (rf"{_CAME}(?:{forms('stroll wander pop stop drop swing walk', 'swung')} (?:by|past|round)(?: {_SITE})?|(?:turn|"
     rf"show)(?:s|ed|ing)? up){_ENDS}", r"\1 came"),
    (rf"{_CAME}(?:{forms('stroll wander walk stumble hop venture')} (?:onto|into|on to|in to|to|across|upon)|"
     rf"{forms('enter discover encounter')}) (?:{_SITE}|us\b)", r"\1 came"),
    (rf"{_CAME}(?:reached|found) (?:{_SITE}|us)(?= (?:through|via|by|from|on|in)\b)", r"\1 came"),
    (rf"\bland(?:s|ed|ing)? (?:here|with us|on {_SITE})", "came"),
    (rf"\b(orders|purchases|sales)(?: (?:have|has|had|did|do))? (?:landed|land|arrived|arrive|hit us|dropped in|turned "
     rf"up|showed up|came through){_ENDS}", r"\1 came in"),
    (r"\b(orders|purchases|transactions)((?: (?:were|was|are|got|get|have|has|been|did|do|people|customers|users|"
     r"we))*) (?:completed?|submit(?:ted)?|finali[sz]ed?|confirm(?:ed)?)\b", r"\1\2 placed"),
    (rf"{_DONE}{forms('grab snap snatch scoop nab')}(?: up)? (?=(?:an?|the|our|any|some) |\w+s\b)(?!this |us )",
     r"\1 bought "),
    (rf"{_DONE}(?:{forms('examine inspect explore study peruse consult access')}|{forms('peek glance peep stare')} "
     rf"(?:at|into)) (?!us\b)",
     r"\1 viewed "),
    (rf"{_DONE}{forms('ditch dump drop forsake desert abort')} (?=(?:the|their|a) (?:shopping )?(?:carts?|baskets?|"
     rf"checkouts?)\b)", r"\1 abandoned "),
    (rf"\b({PEOPLE}|who|that|they) (?:surf|surfed|surfing|run|ran|running|operate|work)(?: (?:with|on|via))? "
     r"(?=(?:windows|macintosh|mac ?os|linux|android|ios|chrome|safari|firefox|edge|opera|samsung)\b)", r"\1 use "),
    (rf"\bhow much ((?:money |cash |revenue )?)(did|do|does|have|has) (?!they ){_WE} "
     rf"(?:{forms('pocket collect amass accumulate haul rake')}(?: in)?|(?:take|took|taken) home)\b",
     r"how much \1\2 we make"),
    (r"\b(?:take|takes|took|taken|taking) home\b", "buy"),
    (r"\b(?:fork|shell|splash|cough|lay)(?:ed|s|es|ing)? (?:out|up)\b", "spend"),
)  # fmt: skip
_RANKS = (
    (r"\btends? to have\b", "has"),
    (rf"\bon (?:which|what) (day|week|month) did ({_MEASURE}) (?:hit|reach) (?:its|a|the) (?:maximum|peak|highest|"
     rf"record)\b",
     r"which \1 has the highest \2"),
    (rf"\b(?:leading|foremost|strongest|topmost){_A_NUMBER}", "top"), (rf"\b(?:poorest|weakest){_A_NUMBER}", "worst"),
    (rf"\b(?:hand(?:s|ed)?|land(?:s|ed)?) us (?={_MOST}\b)", "brings "),
    (rf"\b(?:is|was|sits?|stands?|lies) at the (?:very )?bottom(?: of the (?:list|ranking|table|pile))? (?:for|"
     rf"{_IN})(?= {_MEASURE})", "has the lowest"),
    (rf"\b(?:(?:is|was|sits?|stands?|lies) at the (?:very )?top(?: of the (?:list|ranking|table|pile))?|(?:tops?|"
     rf"heads?|leads?) the (?:list|ranking|table|charts?|pack)) (?:for|{_IN})(?= {_MEASURE})", "has the highest"),
    (rf"\b(?:(?:ranks?|ranked|finish(?:es|ed)?)(?: in)? {_LOWEST} (?:for|{_IN})|(?:comes?|came|places?|placed)(?: in)? "
     rf"{_LOWEST} {_IN})(?= {_MEASURE})", "has the lowest"),
    (rf"\b(?:(?:(?:ranks?|ranked|finish(?:es|ed)?)(?: in)? {_HIGHEST}|(?:comes?|came) out (?:on top|ahead)) (?:for|"
     rf"{_IN})|(?:comes?|came|places?|placed)(?: in)? {_HIGHEST} {_IN})(?= {_MEASURE})", "has the highest"),
    (rf"\b(?:is|was|are|were) (?:the |our )?(?:winners?|champions?|front[- ]?runners?|leaders?|most productive|richest|"
     rf"liveliest|craziest|fullest) (?:for|{_IN})(?= {_MEASURE})", "has the highest"),
    (rf"\b(?:is|was|are|were) (?:the |our )?(?:laggards?|losers?|stragglers?|least productive|calmest|deadest|emptiest|"
     rf"poorest) (?:for|{_IN})(?= {_MEASURE})", "has the lowest"),
    (r"\b(has|have|had|with|shows?) (?:the )?(?:superior|healthiest|finest|nicest|loveliest) (?=(?:\w+ )?(?:conversion|"
     r"bounce|rate|revenue|order))", r"\1 the best "),
    (rf"\b(?:is|was) (?:the )?finest (?:for|{_IN})(?= {_MEASURE})", "has the best"),
)  # fmt: skip
EVERYDAY = (*_POLITE, *_LINKS, *_JOINS, *_TIMES, *_NUMBERS, *_RANKS, *_GROUPS, *_ACTIONS)
