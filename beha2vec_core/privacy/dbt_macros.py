"""Compile the rule list into macros of dbt_ga4 for BigQuery, where no ingest runs.

`python -m beha2vec_core.privacy.dbt_macros` writes the file; a test fails while it is not up to date.

SQL has no checksums and no libraries: the macros remove what a pattern can tell, which is less than ingest does.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from pathlib import Path

from beha2vec_core.privacy.rules import rules

MACRO_FILE = Path(__file__).resolve().parents[2] / "dbt_ga4" / "macros" / "cross_db" / "personal_data.sql"

# Kinds whose values go whatever they are. Names of three letters mean too much else, but for these.
_WHOLE = ("email", "name", "address", "postcode", "birth", "secret", "card", "national_id", "ip")
_SHORT = frozenset(("ssn", "dob", "pwd", "cvv", "cvc", "plz", "zip", "bsn", "dni", "cpf", "mdp"))
_DOT = r"(?:\.|%2e|%252e)"
_AT = r"(?:@|%40|%2540|%252540|＠)"
_PLUS = r"(?:\+|%2b|%252b)"
_GAP = r"(?:[ ().·/-]|%20|%2520|\+)"
_SIX_DIGITS = r"(?:[^0-9a-z&#]|%[0-9a-f]{2})*[0-9](?:(?:[^0-9a-z&#]|%[0-9a-f]{2}){0,3}[0-9]){5}"
# Patterns of RE2, which BigQuery and DuckDB share; they ignore case.
PATTERNS = (
    # e-mail addresses, also encoded; no names of files such as icon@2x.png
    rf"[^\s@<>()\[\],;:\x22\x27/?&=#|]+{_AT}(?:\p{{L}}|[0-9]{{2}})[^\s@<>()\[\],;:\x22\x27/?&=#|.%]*{_DOT}(?:[^\s@<>()\[\],;:\x22\x27/?&=#|.%]+{_DOT})*\p{{L}}{{2,}}",
    # phone numbers with a country code, and North American ones
    rf"{_PLUS}{_GAP}?[0-9](?:{_GAP}{{0,3}}[0-9]){{7,14}}\b",
    r"(?:\([2-9][0-9]{2}\) ?|\b[2-9][0-9]{2}[-. ])[2-9][0-9]{2}[-. ][0-9]{4}\b",
    # JSON web tokens, and keys of well-known services
    r"\beyJ[a-z0-9_-]{8,}\.[a-z0-9_-]+(?:\.[a-z0-9_-]*)*",
    r"\b(?:(?:sk|rk)_(?:live|test)_[a-z0-9]{10,}|gh[opusr]_[a-z0-9]{30,}|akia[a-z0-9]{16}|aiza[a-z0-9_-]{35}"
    r"|xox[abprs]-[a-z0-9-]{10,})",
    # cards in groups of four, accounts in groups of four
    r"\b(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6(?:011|5[0-9]{2}))(?:(?:[ -]|%20|\+)[0-9]{4}){3}\b",
    r"\b[a-z]{2}[0-9]{2}(?:(?: |%20|\+)[a-z0-9]{4}){3,7}(?:(?: |%20|\+)[a-z0-9]{1,4})?\b",
)


def compiled() -> str:
    """The macro file's text."""
    known = rules()
    names = {phrase for kind in _WHOLE for phrase in known.labels[kind] if len(phrase) > 3 or phrase in _SHORT}
    steps = "".join(f"        {_quoted(pattern)},\n" for pattern in PATTERNS)
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

{{# Query parameters whose values go. Separators of their words are free. #}}
{{% macro personal_parameters() -%}}
    {{{{ return([
{_listed(names)}    ]) }}}}
{{%- endmacro %}}

{{# Query parameters whose values go where they have six digits and more. #}}
{{% macro phone_parameters() -%}}
    {{{{ return([
{_listed(known.labels["phone"])}    ]) }}}}
{{%- endmacro %}}

{{# Regular expressions of personal data, for engines where no ingest runs. #}}
{{% macro personal_patterns() -%}}
    {{{{ return([
{steps}    ]) }}}}
{{%- endmacro %}}

{{% macro bigquery__without_personal_data(value) -%}}
    {{%- set ns = namespace(sql=value) -%}}
    {{%- for pattern in personal_patterns() -%}}
        {{%- set ns.sql = replace_all(ns.sql, pattern, '{known.marker}') -%}}
    {{%- endfor -%}}
    {{%- set begin = '([?&#;](?:[^=&#]*(?:[_.-]|\\\\[|%5b))?(?:' -%}}
    {{%- set end = ')[0-9]*(?:\\\\]|%5d)?=)' -%}}
    {{%- set parameter = begin ~ personal_parameters() | join('|') ~ end ~ '[^&#]+' -%}}
    {{%- set six_digits = '{_SIX_DIGITS}[^&#]*' -%}}
    {{%- set phone = begin ~ phone_parameters() | join('|') ~ end ~ six_digits -%}}
    if(
        regexp_contains({{{{ value }}}}, r'[@＠%=0-9]|eyJ|_'),
        {{{{ replace_all(replace_all(ns.sql, phone, '\\\\1{known.marker}'), parameter, '\\\\1{known.marker}') }}}},
        {{{{ value }}}}
    )
{{%- endmacro %}}
"""


def _listed(phrases: Iterable[str]) -> str:
    names = ", ".join(_quoted(name) for name in sorted({_separated(phrase) for phrase in phrases}))
    lines = textwrap.wrap(names, 112, break_long_words=False, break_on_hyphens=False)
    return "".join(f"        {line}\n" for line in lines)


def _separated(phrase: str) -> str:
    """A pattern of a name in which its words may be separated in any way."""
    return "[ _.-]?".join(re.escape(word) for word in phrase.split())


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def main() -> None:
    """Write the macro file."""
    MACRO_FILE.write_text(compiled(), encoding="utf-8")


if __name__ == "__main__":
    main()
