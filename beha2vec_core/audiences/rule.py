"""A rule as SQL: an expression of comparisons over names that are known, checked part by part.

sqlglot reads the expression. Only the kinds of parts listed here are allowed, so that a rule reads nothing but the
columns and functions of `names`, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import sqlglot
from sqlglot import exp

from beha2vec_core.audiences.file import Audience, AudienceError, find_audience, nearest
from beha2vec_core.audiences.names import FUNCTIONS, USERS, Column, columns, has_table, joined

_DIALECT = "duckdb"
IN_AUDIENCE = "in_audience"
_ALLOWED = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between, exp.Is,
    exp.Null, exp.Boolean, exp.Literal, exp.Column, exp.Identifier, exp.Like, exp.ILike, exp.Add, exp.Sub, exp.Mul,
    exp.Div, exp.Neg, exp.Anonymous,
)  # fmt: skip
_HOW = (
    "use comparisons (=, <>, <, <=, >, >=, in, between, like, is null), and, or, not, + - * / and the functions of "
    "beha2vec audiences names"
)
_MOST_CHARACTERS = 5000


def audience_sql(connection: duckdb.DuckDBPyConnection, audience: Audience, audiences: Sequence[Audience] = ()) -> str:
    """An audience as SQL over the published views, of all users.

    The columns of the query: ``property_id``, ``user_key``, ``is_ads_consented``, ``is_member``, ``is_excluded``,
    ``rank`` and ``why`` (what the rule reads, with the user's values).

    Args:
        connection: a database that has the tables of the rule.
        audience: the audience.
        audiences: all of the file, for ``in_audience('...')``.

    Raises:
        AudienceError: the rule cannot be read, or uses a name that is not known; the message names the nearest ones.
    """
    return _Compiler(connection, audiences).query(audience)


class _Compiler:
    def __init__(self, connection: duckdb.DuckDBPyConnection, audiences: Sequence[Audience]) -> None:
        if not has_table(connection, USERS):
            raise AudienceError("there are no users yet: run beha2vec materialize first")
        self.connection, self.audiences = connection, list(audiences)
        self.columns = columns(connection)
        self.within: list[str] = []  # audiences being compiled, from the outside in

    def query(self, audience: Audience) -> str:
        if audience.name in self.within:
            raise AudienceError(
                f"audience {audience.name} contains itself: {' > '.join([*self.within, audience.name])}"
            )
        self.within.append(audience.name)
        one = _One(self, audience.name)
        rule = one.sql(audience.rule, "rule")
        reads = dict(one.reads)  # only what the rule reads says why
        excluded = one.sql(audience.exclude, "exclude") if audience.exclude else "false"
        rank = one.sql(audience.rank_by, "rank_by") if audience.rank_by else "null"
        self.within.pop()
        parts = [f"{_text(name)} || ' = ' || coalesce({_shown(source)}, 'not known')" for name, source in reads.items()]
        why = f"concat_ws(', ', {', '.join(parts)})" if parts else "''"
        sources = " ".join([joined(one.tables), *one.joins])
        query = f"""select users.property_id, users.user_key, users.is_ads_consented,
            coalesce({rule}, false) as is_member, coalesce({excluded}, false) as is_excluded,
            ({rank})::double as rank, {why} as why
            from {sources}"""
        try:
            totals = "count_if(is_member), count_if(is_excluded), sum(rank), max(why)"
            self.connection.execute(f"select {totals} from ({query})").fetchall()
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise AudienceError(f"audience {audience.name}: its expressions do not fit the data: {reason}") from None
        return query


class _One:
    """The expressions of one audience, and what they need."""

    def __init__(self, compiler: _Compiler, name: str) -> None:
        self.compiler, self.name = compiler, name
        self.tables: set[str] = set()
        self.joins: list[str] = []
        self.reads: dict[str, str] = {}  # what the expressions read -> its SQL

    def sql(self, text: str, key: str) -> str:
        tree = self._parsed(text, key)
        for node in list(tree.walk(bfs=False)):
            if isinstance(node, exp.Anonymous | exp.Column):
                source = self._function(node, key) if isinstance(node, exp.Anonymous) else self._column(node, key)
                replacement = sqlglot.parse_one(source, dialect=_DIALECT)
                if node is tree:
                    tree = replacement
                else:
                    node.replace(replacement)
        for division in list(tree.find_all(exp.Div)):  # DuckDB's 0 / 0 is above every number
            division.set("expression", exp.Nullif(this=division.expression.copy(), expression=exp.Literal.number(0)))
        return f"({tree.sql(_DIALECT)})"

    def _parsed(self, text: str, key: str) -> exp.Expr:
        if len(text) > _MOST_CHARACTERS:
            raise self._error(key, f"is longer than {_MOST_CHARACTERS:,} characters")
        try:
            trees = sqlglot.parse(text, dialect=_DIALECT)
        except (sqlglot.errors.SqlglotError, RecursionError) as error:
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]
            raise self._error(key, f"cannot be read: {reason}") from None
        if len(trees) != 1 or trees[0] is None:
            raise self._error(key, "is not one expression")
        for node in trees[0].walk():
            if isinstance(node, exp.Func) and not isinstance(node, _ALLOWED):
                name = node.sql_name().lower()
                raise self._error(key, f"{name}(...) is not a function of rules{self._like(name)}")
            if not isinstance(node, _ALLOWED):
                raise self._error(key, f"{node.sql(_DIALECT)[:60]!r} is not allowed; {_HOW}")
            if isinstance(node, exp.In) and (node.args.get("query") or node.args.get("unnest")):
                raise self._error(key, "in (...) needs a list of values")
        return trees[0]

    def _column(self, node: exp.Column, key: str) -> str:
        if node.table:
            raise self._error(key, f"write {node.name} without a table")
        name = node.name.lower()
        column: Column | None = self.compiler.columns.get(name)
        if column is None:
            raise self._error(key, f"{node.name} is not known{nearest(name, list(self.compiler.columns))}")
        self.tables.add(column.table)
        self.reads[name] = column.source
        return column.source

    def _function(self, node: exp.Anonymous, key: str) -> str:
        name, arguments = node.name.lower(), node.expressions
        shown = node.sql(_DIALECT).lower()
        if not all(isinstance(argument, exp.Literal) for argument in arguments):
            raise self._error(key, f"{shown}: the arguments are texts in single quotes and whole numbers")
        given = [str(argument.this) for argument in arguments]
        if name == IN_AUDIENCE:
            if len(given) != 1:
                raise self._error(key, "write in_audience('name')")
            try:
                other = find_audience(self.compiler.audiences, given[0])
            except AudienceError as error:
                raise self._error(key, str(error)) from None
            query = f"select user_key, is_member as value from ({self.compiler.query(other)}) where is_member"
            return self._joined(shown, query, "false")
        function = FUNCTIONS.get(name)
        if function is None:
            raise self._error(key, f"{name}(...) is not a function of rules{self._like(name)}")
        if len(given) != len(function.arguments):
            raise self._error(key, f"write {name}({', '.join(function.arguments)})")
        if not has_table(self.compiler.connection, function.table):
            raise self._error(key, f"{name} needs {function.table}, which is not there yet: run beha2vec materialize")
        values = {}
        for argument, value, literal in zip(function.arguments, given, arguments, strict=True):
            is_number = argument in ("days", "horizon")
            if is_number != (not literal.is_string) or (is_number and not value.isdecimal()):
                kind = "a whole number" if is_number else "a text in single quotes"
                raise self._error(key, f"{shown}: {argument} is {kind}")
            values[argument] = value if is_number else _text(value)
        for argument, query in function.known.items():
            value = given[function.arguments.index(argument)]
            known = [str(one) for (one,) in self.compiler.connection.execute(query).fetchall() if one]
            if value not in known:
                raise self._error(key, f"{shown}: there is no {argument} {value}{nearest(value, known)}")
        return self._joined(shown, function.query.format(**values), "0" if function.counts else "")

    def _joined(self, shown: str, query: str, otherwise: str) -> str:
        if shown not in self.reads:
            alias = f"call_{len(self.joins)}"
            self.joins.append(f"left join ({query}) as {alias} on users.user_key = {alias}.user_key")
            self.reads[shown] = f"coalesce({alias}.value, {otherwise})" if otherwise else f"{alias}.value"
        return self.reads[shown]

    def _like(self, name: str) -> str:
        return nearest(name.lower(), [*FUNCTIONS, IN_AUDIENCE])

    def _error(self, key: str, problem: str) -> AudienceError:
        return AudienceError(f"audience {self.name}, {key}: {problem}")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _shown(source: str) -> str:
    """SQL: a value as text, numbers with four decimals at most."""
    number = f"regexp_replace(round(try_cast({source} as double), 4)::varchar, '\\.0$', '')"
    return f"coalesce({number}, ({source})::varchar)"
