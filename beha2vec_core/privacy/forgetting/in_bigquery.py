"""People in BigQuery, if it is the warehouse: they are found and removed in the data set of the models and results.

GA4's own tables are not changed. As long as they contain one of these people, nothing is removed, because the next run
would read the rows again. The error lists the statements that the export's owner has to run. Identifiers are parameters
of the queries, as BigQuery keeps the text of each query.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from beha2vec_core.bigquery.models import target_of
from beha2vec_core.bigquery.results import SEQUENCES
from beha2vec_core.ga4.bigquery import DataSet, find_tables
from beha2vec_core.privacy.forgetting.find import Found
from beha2vec_core.privacy.forgetting.remove import Removed
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.privacy.people import REMOVED, People
from beha2vec_core.settings import Settings
from beha2vec_core.store.tables import DAY_COLUMNS, IDENTIFIERS, PEOPLE, Layer

if TYPE_CHECKING:
    from google.cloud.bigquery import SchemaField

BIGQUERY = Path("BigQuery")  # in the place of a file
# whose rows are made of all events of a device; see `store.tables.HoldsPeople`
_MADE_FROM_EVENTS = {SEQUENCES, *(name.partition(".")[2] for name, about in PEOPLE.items() if about.made_from_events)}
# of GA4's tables: the columns that name people
_OF_EXPORT = {
    "events_": {"user_pseudo_id": "devices", "user_id": "logins"},
    "pseudonymous_users_": {"pseudo_user_id": "devices"},
    "users_": {"user_id": "logins"},
}


def is_used(settings: Settings) -> bool:
    """Whether BigQuery is the warehouse."""
    return settings.storage.warehouse == "bigquery"


def require_gone_from_export(settings: Settings, people: People, asked: Iterable[str]) -> None:
    """Refuse to remove people whom the export still has.

    Args:
        people: from `identities.resolve`.
        asked: as they were asked for: the export has login ids that are e-mail addresses in plain text.

    Raises:
        PrivacyError: with the statements that remove them from the export.
        SourceNotReachedError: BigQuery does not say.
    """
    data_set = replace(DataSet.of(str(settings.export.source)), maximum_bytes=settings.bigquery.maximum_bytes)
    ids = {"devices": people.devices | set(asked), "logins": people.logins | set(asked)}
    parameters = {kind: sorted(found) for kind, found in ids.items()}
    statements = []
    for prefix in sorted({table.prefix for table in find_tables(str(settings.export.source))}):
        columns = _OF_EXPORT[prefix]
        tests = [f"{column} in unnest(@{kind})" for column, kind in columns.items()]
        if "user_id" in columns:  # the hash that dbt_ga4 stores
            tests.append("to_hex(sha256(lower(user_id))) in unnest(@logins)")
        sql = (
            f"select _table_suffix as suffix, count(*) as rows_of_them from `{data_set}.{prefix}*` "
            f"where {' or '.join(tests)} group by suffix order by suffix"
        )
        with data_set.asked():
            found = list(data_set.query(sql, parameters=parameters).result())
        for kind, values in parameters.items():
            listed = ", ".join(_quoted(value) for value in values)
            tests = [test.replace(f"unnest(@{kind})", f"({listed})") for test in tests]
        statements += [
            f"delete from `{data_set}.{prefix}{row.suffix}` where {' or '.join(tests)};  -- {row.rows_of_them:,} rows"
            for row in found
        ]
    if statements:
        raise PrivacyError(
            "GA4's export in BigQuery still has these people, and the next run would read them again; nothing was "
            "changed. Delete them in GA4 (Admin, Data deletion requests), run these statements in BigQuery, and then "
            "this command again:\n" + "\n".join(statements)
        )


def find_in_bigquery(settings: Settings, people: People) -> list[Found]:
    """Every column of the data set of models and results that has one of the people; none with another warehouse."""
    if not is_used(settings):
        return []
    return [
        Found(BIGQUERY, table.name, column, rows)
        for table in _tables(settings, people)
        for column, rows in table.rows_by_column().items()
        if rows
    ]


def remove_from_bigquery(settings: Settings, people: People) -> list[Removed]:
    """Delete the rows of people, and take their identifiers out of the texts of others; again changes nothing."""
    if not is_used(settings):
        return []
    return [removed for table in _tables(settings, people) if (removed := table.without_people())]


def remove_days_in_bigquery(settings: Settings, cuts: Mapping[Layer, date]) -> dict[Layer, int]:
    """Delete the rows before the first kept day of each layer; the rows, by layer, none with another warehouse."""
    removed: dict[Layer, int] = dict.fromkeys(cuts, 0)
    for table in _tables(settings, People()) if is_used(settings) else ():
        columns = {field.name for field in table.columns}
        registered = PEOPLE.get(f"beha2vec.{table.name}")
        layer = registered.layer if registered else "sequences" if table.name == SEQUENCES else "events"
        day = registered.day if registered else next((one for one in DAY_COLUMNS if one in columns), None)
        if layer and layer in cuts and day and columns & IDENTIFIERS.keys():
            removed[layer] += table.run(f"delete from {table} where `{day}` < date '{cuts[layer]}'")[1]
    return removed


class _Table(NamedTuple):
    """A table in BigQuery, and the SQL of who is in it."""

    data_set: DataSet
    name: str
    columns: Sequence[SchemaField]
    people: People

    def __str__(self) -> str:
        """As SQL names it."""
        return f"`{self.data_set}.{self.name}`"

    @property
    def _ids(self) -> dict[str, list[str]]:
        kinds = (*dict.fromkeys(IDENTIFIERS.values()), "shared")
        return {kind: sorted(ids) for kind in kinds if (ids := self.people.of_kind(kind))}

    @property
    def _owned(self) -> dict[str, str]:
        """By identifier column, whether it has one of their ids."""
        found: dict[str, str] = {}
        for field in self.columns:
            kinds = [IDENTIFIERS[field.name]] if field.name in IDENTIFIERS else []
            if field.name in ("user_key", "client_key") and self.name in _MADE_FROM_EVENTS:
                kinds.append("shared")
            tests = [
                f"exists(select 1 from unnest(`{field.name}`) as one where one in unnest(@{kind}))"
                if field.mode == "REPEATED"
                else f"`{field.name}` in unnest(@{kind})"
                for kind in kinds
                if kind in self._ids
            ]
            if kinds:
                found[field.name] = f"coalesce({' or '.join(tests) or 'false'}, false)"
        return found

    @property
    def _named(self) -> dict[str, str]:
        """By column with texts, whether one of them names the people."""
        found = {}
        for field in self.columns:
            if field.field_type in ("STRING", "RECORD", "STRUCT", "JSON"):
                is_plain = field.field_type == "STRING" and field.mode != "REPEATED"
                text = f"`{field.name}`" if is_plain else f"to_json_string(`{field.name}`)"
                tests = [f"regexp_contains({text}, @pattern{n})" for n in range(len(self.people.patterns))]
                found[field.name] = f"coalesce({' or '.join(tests) or 'false'}, false)"
        return found

    @property
    def _goes(self) -> str:
        """Which rows go: those with an id of them; else, and where a nested value names them, by their texts."""
        kinds = {field.name: field.field_type for field in self.columns}
        texts = [test for name, test in self._named.items() if kinds[name] != "STRING" or not self._owned]
        return " or ".join([*self._owned.values(), *texts]) or "false"

    def run(self, sql: str) -> tuple[list[Any], int]:
        """The rows that a query gives, and how many it changed."""
        patterns = {f"pattern{n}": pattern for n, pattern in enumerate(self.people.patterns)}
        known: dict[str, str | list[str]] = {**self._ids, **patterns}
        given = {name: value for name, value in known.items() if f"@{name})" in sql}
        with self.data_set.asked():
            job = self.data_set.query(sql, parameters=given)
            return list(job.result()), int(job.num_dml_affected_rows or 0)

    def rows_by_column(self) -> dict[str, int]:
        """The rows that name them, of each column that may."""
        tests = dict(self._named)
        for name, test in self._owned.items():
            tests[name] = f"{test} or {tests[name]}" if name in tests else test
        counts = ", ".join(f"count(case when {test} then 1 end)" for test in tests.values())
        if not counts:
            return {}
        (found,), _ = self.run(f"select [{counts}] as counts from {self}")
        return dict(zip(tests, found.counts, strict=True))

    def without_people(self) -> Removed | None:
        """Take them out of the table; None if they are not in it."""
        named = [name for name, rows in self.rows_by_column().items() if rows]
        if not named:
            return None
        _, rows = self.run(f"delete from {self} where {self._goes}")
        texts = 0
        for field in self.columns if self._owned else ():
            if field.name in named and field.field_type == "STRING":
                set_ = f"set `{field.name}` = {self._taken_out(field)}"
                texts += self.run(f"update {self} {set_} where {self._named[field.name]}")[1]
        return Removed(BIGQUERY, self.name, rows, texts)

    def _taken_out(self, field: SchemaField) -> str:
        text = "one" if field.mode == "REPEATED" else f"`{field.name}`"
        for n in range(len(self.people.patterns)):
            for _ in range(2):  # two of them may share what stands between
                text = f"regexp_replace({text}, @pattern{n}, r'\\1{REMOVED}\\2')"
        if field.mode == "REPEATED":
            return f"array(select {text} from unnest(`{field.name}`) as one with offset as place order by place)"
        return text


def _tables(settings: Settings, people: People) -> Iterator[_Table]:
    data_set = target_of(settings)
    with data_set.asked():
        names = [one.table_id for one in data_set.client.list_tables(str(data_set)) if one.table_type == "TABLE"]
        schemas = {name: data_set.client.get_table(f"{data_set}.{name}").schema for name in sorted(names)}
    for name, columns in schemas.items():
        yield _Table(data_set, name, columns, people)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
