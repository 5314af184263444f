"""Compile the rule list into macros of dbt_ga4 for BigQuery, where no ingest runs.

`python -m beha2vec_core.privacy.dbt_macros` writes the file; a test fails while it is not up to date.

SQL has no checksums and no libraries: the macros remove what a pattern can tell, which is less than ingest does.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from beha2vec_core.privacy.names import east_asian_names
from beha2vec_core.privacy.rules import rules

MACRO_FILE = Path(__file__).resolve().parents[2] / "dbt_ga4" / "macros" / "cross_db" / "personal_data.sql"

_MARKER = "[redacted]"
# Kinds whose values go whatever they are. Names of three letters mean too much else, but for these.
_WHOLE = ("email", "name", "address", "postcode", "birth", "secret", "card", "national_id", "ip")
_SHORT = frozenset(("ssn", "dob", "pwd", "cvv", "cvc", "plz", "zip", "bsn", "dni", "cpf", "mdp"))
_DOT = r"(?:\.|%2e|%252e)"
_AT = r"(?:@|%40|%2540|%252540|＠)"
_GAP = r"(?:[ ().·/-]|%20|%2520|\+)"
_SIX_DIGITS = r"(?:[^0-9a-z&#]|%[0-9a-f]{2})*[0-9](?:(?:[^0-9a-z&#]|%[0-9a-f]{2}){0,3}[0-9]){5}"
_WORD = r"(?:[\p{L}\x27’-]|%[c-f][0-9a-f]%[89ab][0-9a-f])"
_SPACE = r"(?:\+|%20| )"
# a name under a key such as `customer`: words in capitals (or encoded letters), with particles between them
_CAPITAL = rf"(?:(?-i:\p{{Lu}})|%[c-f][0-9a-f]%[89ab][0-9a-f]){_WORD}+"
_NAME = rf"{_CAPITAL}(?:{_SPACE}[a-z]{{2,3}}){{0,2}}(?:{_SPACE}{_CAPITAL}){{1,3}}"
# two words in capitals, whatever the case of the greeting before them
_CAPITALS = r"(?-i:\p{Lu}[\p{L}\x27’-]+ \p{Lu}[\p{L}\x27’-]+)"
_BEGIN = r"(^|[=\s(:/,;|]|%20|%3d)"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
# Patterns of RE2, which BigQuery and DuckDB share, and what stays of what they find; they ignore case.
PATTERNS = (
    # e-mail addresses, also encoded; no names of files such as icon@2x.png
    (
        rf"[^\s@<>()\[\],;:\x22\x27/?&=#|]+{_AT}(?:\p{{L}}|[0-9]{{2}})[^\s@<>()\[\],;:\x22\x27/?&=#|.%]*{_DOT}(?:[^\s@<>()\[\],;:\x22\x27/?&=#|.%]+{_DOT})*\p{{L}}{{2,}}",
        _MARKER,
    ),
    # phone numbers with a country code, in groups after a zero, and North American; a plus in a query may be a space
    (rf"(?:%2b|%252b){_GAP}?[0-9](?:{_GAP}{{0,3}}[0-9]){{7,14}}\b", _MARKER),
    (rf"{_BEGIN}\+{_GAP}?[1-9](?:{_GAP}{{0,3}}[0-9]){{7,14}}\b", rf"\1{_MARKER}"),
    (rf"{_BEGIN}\(?0[1-9][0-9]{{0,3}}\)?(?:[ /-]|%20|%2f|\+)(?:[0-9](?:[ -]|%20|\+)?){{6,8}}[0-9]\b", rf"\1{_MARKER}"),
    (r"(?:\([2-9][0-9]{2}\) ?|\b[2-9][0-9]{2}[-. ])[2-9][0-9]{2}[-. ][0-9]{4}\b", _MARKER),
    # JSON web tokens, and keys of well-known services
    (r"\beyJ[a-z0-9_-]{8,}\.[a-z0-9_-]+(?:\.[a-z0-9_-]*)*", _MARKER),
    (
        r"\b(?:(?:sk|rk)_(?:live|test)_[a-z0-9]{10,}|gh[opusr]_[a-z0-9]{30,}|akia[a-z0-9]{16}|aiza[a-z0-9_-]{35}"
        r"|xox[abprs]-[a-z0-9-]{10,})",
        _MARKER,
    ),
    # cards in groups of four; accounts in groups of four, and by country
    (r"\b(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6(?:011|5[0-9]{2}))(?:(?:[ -]|%20|\+)[0-9]{4}){3}\b", _MARKER),
    (r"\b[a-z]{2}[0-9]{2}(?:(?: |%20|\+)[a-z0-9]{4}){3,7}(?:(?: |%20|\+)[a-z0-9]{1,4})?\b", _MARKER),
    (
        r"\b(?:de[0-9]{20}|(?:gb|nl)[0-9]{2}[a-z]{4}(?:[0-9]{14}|[0-9]{10})|fr[0-9]{12}[0-9a-z]{11}[0-9]{2}|(?:es|se)[0-9]{22}"
        r"|it[0-9]{2}[a-z][0-9]{10}[0-9a-z]{12}|pl[0-9]{26}|pt[0-9]{23}|tr[0-9]{24}|at[0-9]{18}|be[0-9]{14})\b",
        _MARKER,
    ),
    # national ids with a form of their own: Italy, Brazil
    (r"\b[a-z]{6}[0-9]{2}[a-ehlmprst][0-9]{2}[a-z][0-9]{3}[a-z]\b", _MARKER),
    (r"\b[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}\b", _MARKER),
    # coordinates, addresses of the internet
    (r"-?\b[0-9]{1,2}\.[0-9]{4,}(?:,|%2c)(?:%20|\+| )?-?[0-9]{1,3}\.[0-9]{4,}", _MARKER),
    (rf"{_BEGIN}(?:[2-9][0-9]|1[1-9][0-9]|2[01][0-9])(?:\.{_OCTET}){{3}}([^0-9.]|$)", rf"\1{_MARKER}\2"),
)


# those of the United States and Sweden look like numbers of things and days, so they need a label
_LABELLED_ID = r"(?:[0-8][0-9]{2}-[0-9]{2}|(?:19|20)?[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))-[0-9]{4}\b"
# put before a number that stands under the key of a thing, so that it is none of the above; RE2 cannot look back
_KEPT = "_beha2vec_kept_"

# of texts without any of it no pattern is tried, which would take much time for each byte
WORTH_A_LOOK = "[@＠%=0-9_,様殿]|さん|eyJ"


def steps() -> list[tuple[str, str]]:
    """The compiled rules: patterns, each with what it is replaced by. Separators of the words of keys are free."""
    known = rules()
    whole = {phrase for kind in _WHOLE for phrase in known.labels[kind] if len(phrase) > 3 or phrase in _SHORT}
    people = [phrase for phrase in known.labels["person"] + known.labels["account"] if not phrase.endswith("name")]
    values = (
        (known.labels["phone"], rf"{_SIX_DIGITS}[^&#]*"),
        (people, _NAME),
        (known.labels["place"], r"-?[0-9]{1,3}\.[0-9]{2,}[^&#]*"),
        (known.labels["maybe_secret"] + known.labels["session"], r"[a-z0-9._~%-]{24,}"),
        (whole, "[^&#]+"),
    )
    begin = "".join(f"[{''.join(sorted(set(place)))}]" for place in zip(*east_asian_names().japanese, strict=False))
    return [
        (rf"({_key_of(known.kept)}|/(?:{_any_of(known.thing_paths)})/)([0-9])", rf"\1{_KEPT}\2"),
        *PATTERNS,
        (rf"(\b(?:{_any_of(known.labels['national_id'])})[^0-9a-z&#]{{1,3}}){_LABELLED_ID}", rf"\1{_MARKER}"),
        # a name that begins as Japanese family names do, before an honorific
        (rf"{begin}\p{{Han}}{{0,4}}( ?(?:様|さん|殿))", rf"{_MARKER}\1"),
        (rf"(\b(?:{_any_of(filter(str.isascii, known.strong_greetings))})[,!]? ){_CAPITALS}", rf"\1{_MARKER}"),
        (rf"(/(?:{_any_of(known.token_paths)})[^/?#]*/)[a-z0-9._~-]{{16,}}", rf"\1{_MARKER}"),
        *((f"({_key_of(phrases)}){value}", rf"\1{_MARKER}") for phrases, value in values),
        (_KEPT, ""),
    ]


def compiled() -> str:
    """The macro file's text."""
    placeholders = ", ".join(map(_quoted, sorted(rules().placeholder_ids)))
    listed = "".join(f"        [{_quoted(pattern)}, {_quoted(with_)}],\n" for pattern, with_ in steps())
    return f"""{{#
    Made by `python -m beha2vec_core.privacy.dbt_macros` from beha2vec_core/privacy/rules.yml: change that file instead.
    Personal data in texts and addresses becomes the marker. On DuckDB ingest has removed it before, with checksums and
    libraries that SQL lacks; on BigQuery no ingest runs, so these patterns do what patterns can.
#}}
{{% macro without_personal_data(value) -%}}
    {{{{- return(adapter.dispatch('without_personal_data', 'dbt_ga4')(value)) -}}}}
{{%- endmacro %}}

{{% macro duckdb__without_personal_data(value) -%}}
    {{{{ value }}}}
{{%- endmacro %}}

{{# A login id that is an e-mail address: its hash. On DuckDB ingest has hashed it, with a key. #}}
{{% macro private_user_id(user_id) -%}}
    {{{{- return(adapter.dispatch('private_user_id', 'dbt_ga4')(user_id)) -}}}}
{{%- endmacro %}}

{{% macro duckdb__private_user_id(user_id) -%}}
    {{{{ user_id }}}}
{{%- endmacro %}}

{{% macro bigquery__private_user_id(user_id) -%}}
    if(
        regexp_contains({{{{ user_id }}}}, r'''(?i){_AT}'''),
        to_hex(sha256(lower({{{{ user_id }}}}))),
        {{{{ user_id }}}}
    )
{{%- endmacro %}}

{{# What sites send as an id where there is none, in small letters. #}}
{{% macro placeholder_ids() -%}}
    {{{{ return([{placeholders}]) }}}}
{{%- endmacro %}}

{{# Regular expressions of personal data and what they become, for engines where no ingest runs. #}}
{{% macro personal_patterns() -%}}
    {{{{ return([
{listed}    ]) }}}}
{{%- endmacro %}}

{{% macro bigquery__without_personal_data(value) -%}}
    {{%- set ns = namespace(sql=value) -%}}
    {{%- for pattern, replacement in personal_patterns() -%}}
        {{%- set ns.sql = replace_all(ns.sql, pattern, replacement) -%}}
    {{%- endfor -%}}
    if(regexp_contains({{{{ value }}}}, r'{WORTH_A_LOOK}'), {{{{ ns.sql }}}}, {{{{ value }}}})
{{%- endmacro %}}
"""


def _any_of(phrases: Iterable[str]) -> str:
    """A pattern of names whose words may be separated in any way."""
    return "|".join(sorted({"[ _.-]?".join(map(re.escape, phrase.split())) for phrase in phrases}))


def _key_of(phrases: Iterable[str]) -> str:
    """A pattern of a query's parameter of one of these names, up to its value: `?name=`, `&billing_name2=`."""
    return rf"[?&#;](?:[^=&#]*(?:[_.-]|\[|%5b))?(?:{_any_of(phrases)})[0-9]*(?:\]|%5d)?="


def _quoted(text: str) -> str:
    """A text of Jinja, in pieces of a line."""
    escaped = re.findall(r"(?:\\{2}|\\'|.){1,100}", text.replace("\\", "\\\\").replace("'", "\\'")) or [""]
    return "\n            ~ ".join(f"'{piece}'" for piece in escaped)


def main() -> None:
    """Write the macro file."""
    MACRO_FILE.write_text(compiled(), encoding="utf-8")


if __name__ == "__main__":
    main()
