"""Words for what the facts do not show: change over time, causes, who people are; and numbers of one's own."""

from beha2vec_core.insights.vocabulary.pattern import words

CHANGE = words(
    "gr(?:ow|ows|ew|own|owing)", "ris(?:e|es|en|ing)", "rose",
    r"f(?:ell|allen|alling|alls)(?! (?:in|into|on|within|under)\b)", "drop(?:s|ped|ping)?",
    r"declin\w+", "shr(?:ink|inks|ank|unk)", r"soar\w*", r"surg(?:e|es|ed|ing)", r"plummet\w*", r"worsen\w*",
    "(?:last|this|next|past) (?:month|week|year|quarter|season|days?)", "yesterday", "over time", "trend(?:s|ing)?",
    "year-on-year", "month-on-month", "improved", "became", "becoming", "climb(?:s|ed|ing)?", "s(?:ink|inks|ank)",
    "anymore", "any more", "nowadays",
)  # fmt: skip
CAUSE = words(
    "because of", "due to", "thanks to", "caused by", "causes?", "leads? to", "led to", "results? in", "owing to",
    "as a result(?: of)?", "triggers?", "explains?(?: why)?",
)  # fmt: skip
PEOPLE = words(
    "wom[ae]n", "m[ae]n", "females?", "males?", "mothers?", "fathers?", "parents?", "famil(?:y|ies)", "students?",
    r"teen\w*", "seniors", "pensioners?", "millennials?", "young (?:people|adults?|users|shoppers)", "wealthy",
    "affluent", "(?:high|low)-income", "married", "singles", "educated", "employees?", "professionals?",
)  # fmt: skip
NUMBER_WORDS = words(
    r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|twenty|"
    r"thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)?",
    "one (?:in|out of|third|half|quarter|percent|per cent)", "hundreds?", "thousands?", "millions?", "billions?",
    "dozens?", "twice", "thrice", "double[sd]?", "doubling", "tripled?", "triples", "triple", "quadrupled?", "half",
    "halves", "halved", "thirds?", "quarters?", "fourth", "fifths?", "sixth", "seventh", "eighth", "ninth", "tenths?",
    r"(?:two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|hundred|thousand|many|mani|\w*-)fold", "zero",
    "(?:a )?couple of", "second(?! (?:session|visit|time|page))", "percent", "per cent",
    "percentage points?",
)  # fmt: skip
