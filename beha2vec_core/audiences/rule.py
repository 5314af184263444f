"""A rule as SQL: an expression of comparisons over names that are known, checked part by part.

sqlglot reads the expression. Only the kinds of parts listed here are allowed, so that a rule reads nothing but the
columns and functions of `names`, and changes nothing.
"""

from collections.abc import Mapping, Sequence

import duckdb
import sqlglot
from sqlglot import exp

from beha2vec_core.audiences.area import inside_sql, read_area
from beha2vec_core.audiences.file import Audience, AudienceError, find_audience, nearest
from beha2vec_core.audiences.names import (
    FIRST_DEVICES,
    FUNCTIONS,
    IDENTITIES,
    SHARED,
    USERS,
    WHOLE,
    Function,
    columns,
    joined,
)
from beha2vec_core.semantic.compiler import dimensions_of
from beha2vec_core.semantic.definitions import DIMENSIONS
from beha2vec_core.store.catalog import has_table
from beha2vec_core.store.sql import quote

_DIALECT = "duckdb"
_ALLOWED = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between, exp.Is,
    exp.Null, exp.Boolean, exp.Literal, exp.Column, exp.Identifier, exp.Like, exp.ILike, exp.Add, exp.Sub, exp.Mul,
    exp.Div, exp.Neg, exp.Anonymous,
)  # fmt: skip
_HOW = (
    "use comparisons (=, <>, <, <=, >, >=, in, between, like, is null), and, or, not, + - * /, dates as '2026-01-31', "
    "and the functions of beha2vec audiences names"
)
_MOST_CHARACTERS, _MOST_NUMBER, _LONGEST_SHOWN = 5000, {"users": 1_000_000}, 80
_OTHERWISE = {"number": "", "count": "0", "condition": "false"}


def audience_sql(
    connection: duckdb.DuckDBPyConnection,
    audience: Audience,
    audiences: Sequence[Audience] = (),
    *,
    strict: bool = True,
) -> str:
    """An audience as SQL over the published views, of all users.

    The columns of the query: ``property_id``, ``user_key``, ``is_ads_consented``, ``is_member``, ``is_excluded``,
    ``rank``, ``why`` (what the rule reads, with the user's values) and ``first_device`` (of all user keys with their
    login id; `names.FIRST_DEVICES`).

    Args:
        audiences: all of the file, for ``in_audience('...')`` and ``similar_to_audience('...', 500)``.
        strict: False: an event, theme or page type that does not occur counts 0, and is no error.

    Raises:
        AudienceError: the rule cannot be read, or uses a name that is not known; the message names the nearest ones.
    """
    compiler = _Compiler(connection, audiences, strict)
    query = compiler.query(audience)
    query = compiler.with_shared(query)
    try:
        kinds = {name: kind for name, kind, *_ in connection.execute(f"describe {query}").fetchall()}
    except duckdb.Error as error:
        raise _does_not_fit(audience, error) from None
    if {kinds["is_member"], kinds["is_excluded"]} != {"BOOLEAN"}:
        raise AudienceError(f"audience {audience.name}: rule and exclude are conditions, such as purchases > 0")
    return query


def audience_table(
    connection: duckdb.DuckDBPyConnection,
    audience: Audience,
    audiences: Sequence[Audience] = (),
    *,
    strict: bool = True,
) -> str:
    """Run the rule of an audience, once: a temporary table of its members; its name.

    The columns, arguments and errors are those of `audience_sql`.
    """
    query = audience_sql(connection, audience, audiences, strict=strict)
    table = f"temp.audience_{audience.name}"
    try:
        connection.execute(f"create or replace temp table audience_{audience.name} as from ({query}) where is_member")
    except duckdb.Error as error:
        raise _does_not_fit(audience, error) from None
    return table


def _does_not_fit(audience: Audience, error: duckdb.Error) -> AudienceError:
    reason = str(error).splitlines()[0]
    return AudienceError(f"audience {audience.name}: its expressions do not fit the data: {reason}")


def uses(audience: Audience) -> frozenset[str]:
    """The audiences that the expressions of one name."""
    found = set()
    for text in filter(None, (audience.rule, audience.exclude, audience.rank_by)):
        try:
            trees = sqlglot.parse(text, dialect=_DIALECT)
        except (sqlglot.errors.SqlglotError, RecursionError):
            continue
        for node in (node for tree in trees if tree is not None for node in tree.find_all(exp.Anonymous)):
            function = FUNCTIONS.get(node.name.lower())
            if function is not None and "audience" in function.arguments and node.expressions:
                found.add(node.expressions[function.arguments.index("audience")].name)
    return frozenset(found)


def users_of(name: str, audiences: Sequence[Audience]) -> list[Audience]:
    """The audiences whose members depend on those of one, also by way of others."""
    found: dict[str, Audience] = {}
    names = {name}
    while more := [one for one in audiences if one.name not in {*found, name} and uses(one) & names]:
        found |= {one.name: one for one in more}
        names |= found.keys()
    return list(found.values())


def attributes_sql(
    connection: duckdb.DuckDBPyConnection,
    audience: Audience,
    attributes: Mapping[str, str],
    audiences: Sequence[Audience] = (),
) -> str:
    """What is sent of users beside their ids, as SQL: ``property_id``, ``user_key`` and a column for each attribute.

    Raises:
        AudienceError: an expression cannot be read, or uses a name that is not known; the message names the nearest.
    """
    compiler = _Compiler(connection, audiences, strict=False)
    one = _One(compiler, audience.name)
    columns = [f'{one.sql(expression, "attributes")} as "{name}"' for name, expression in attributes.items()]
    source = " ".join([joined(one.tables), *one.joins])
    query = compiler.with_shared(f"select users.property_id, users.user_key, {', '.join(columns)} from {source}")
    try:
        connection.execute(f"describe {query}").fetchall()
    except duckdb.Error as error:
        raise AudienceError(f"audience {audience.name}, attributes: {str(error).splitlines()[0]}") from None
    return query


class _Compiler:
    """Audiences of one file; each that another one names is compiled once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, audiences: Sequence[Audience], strict: bool) -> None:
        if not (has_table(connection, USERS) and has_table(connection, IDENTITIES)):
            raise AudienceError("there are no users yet: run beha2vec materialize first")
        self.connection, self.audiences, self.strict = connection, list(audiences), strict
        self.columns = columns(connection)
        self.shared: dict[str, str] = {}  # tables that rules share, such as members of other audiences, in order
        self.within: list[str] = []  # audiences being compiled, from the outside in

    def with_shared(self, query: str) -> str:
        """The query, with the tables that it shares with others before it."""
        shared = ", ".join(f"{name} as materialized ({sql})" for name, sql in self.shared.items())
        return f"with {shared} {query}" if shared else query

    def query(self, audience: Audience) -> str:
        if audience.name in self.within:
            circle = " > ".join([*self.within, audience.name])
            raise AudienceError(f"audience {audience.name} contains itself: {circle}")
        self.within.append(audience.name)
        one = _One(self, audience.name)
        rule = one.sql(audience.rule, "rule")
        reads = dict(one.reads)  # only what the rule reads says why
        excluded = one.sql(audience.exclude, "exclude") if audience.exclude else "false"
        rank = one.sql(audience.rank_by, "rank_by") if audience.rank_by else "null"
        self.within.pop()
        parts = [
            f"{quote(_short(name))} || ' = ' || coalesce({shown}, 'not known')" for name, (_, shown) in reads.items()
        ]
        why = f"concat_ws(', ', {', '.join(parts)})" if parts else "''"
        return f"""select users.property_id, users.user_key, users.is_ads_consented,
            coalesce({rule}, false) as is_member, coalesce({excluded}, false) as is_excluded,
            ({rank})::double as rank, {why} as why, coalesce(first_devices.device, users.user_key) as first_device
            from {" ".join([joined(one.tables), *one.joins])}
            left join ({FIRST_DEVICES}) as first_devices on users.user_key = first_devices.user_key"""


class _One:
    """The expressions of one audience, and what they need."""

    def __init__(self, compiler: _Compiler, name: str) -> None:
        self.compiler, self.name = compiler, name
        self.tables: set[str] = set()
        self.joins: list[str] = []
        self.reads: dict[str, tuple[str, str]] = {}  # what the expressions read -> its SQL, and that of its text

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
        for division in reversed(list(tree.find_all(exp.Div))):  # DuckDB's 0 / 0 is above every number
            division.set("expression", exp.Nullif(this=division.expression, expression=exp.Literal.number(0)))
        return f"({tree.sql(_DIALECT)})"

    def _parsed(self, text: str, key: str) -> exp.Expr:
        if len(text) > _MOST_CHARACTERS:
            raise self._error(key, f"is longer than {_MOST_CHARACTERS:,} characters")
        try:
            trees = sqlglot.parse(text, dialect=_DIALECT)
        except sqlglot.errors.ParseError as error:
            at = error.errors[0] if error.errors else {}
            raise self._error(key, f"cannot be read: it has an error at column {at.get('col', '?')}") from None
        except (sqlglot.errors.SqlglotError, RecursionError):
            raise self._error(key, "cannot be read: it is nested too deeply, or a text does not end") from None
        if len(trees) != 1 or trees[0] is None:
            raise self._error(key, "is not one expression")
        for node in trees[0].walk():
            if not isinstance(node, _ALLOWED):
                raise self._error(key, f"{node.sql(_DIALECT)[:60]!r} is not allowed; {_HOW}")
            if isinstance(node, exp.In) and (node.args.get("query") or node.args.get("unnest")):
                raise self._error(key, "in (...) needs a list of values")
        return trees[0]

    def _column(self, node: exp.Column, key: str) -> str:
        if node.table:
            raise self._error(key, f"write {node.name} without a table")
        name = node.name.lower()
        column = self.compiler.columns.get(name)
        if column is None:
            quoted = "; write texts in single quotes" if node.this.args.get("quoted") else ""
            if name in DIMENSIONS and DIMENSIONS[name].kind == "text" and not quoted:
                function = "sessions_with" if name in dimensions_of("sessions") else "orders_with"
                quoted = f" of users, but of visits: write {function}('{name}', '...', 28) > 0"
            raise self._error(key, f"{node.name} is not known{quoted or nearest(name, list(self.compiler.columns))}")
        self.tables.add(column.table)
        self.reads[name] = (column.source, _shown(column.source, column.is_fraction))
        return column.source

    def _function(self, node: exp.Anonymous, key: str) -> str:
        name, arguments = node.name.lower(), node.expressions
        shown = f"{name}({', '.join(argument.sql(_DIALECT) for argument in arguments)})"
        if not all(isinstance(argument, exp.Literal) for argument in arguments):
            raise self._error(key, f"{_short(shown)}: the arguments are texts in single quotes and whole numbers")
        function = FUNCTIONS.get(name)
        if function is None:
            raise self._error(key, f"{name}(...) is not a function of rules{nearest(name, list(FUNCTIONS))}")
        if len(arguments) != len(function.arguments):
            raise self._error(key, f"write {name}({', '.join(function.arguments)})")
        for table in function.tables:
            if not has_table(self.compiler.connection, table):
                raise self._error(key, f"{name} needs {table}, which is not there yet: run beha2vec materialize")
        values: dict[str, str] = {}
        for argument, literal in zip(function.arguments, arguments, strict=True):
            value = str(literal.this)
            most = _MOST_NUMBER.get(argument, 10_000)
            if (argument in WHOLE) == literal.is_string or (
                argument in WHOLE and not (value.isdecimal() and int(value) <= most)
            ):
                kind = f"a whole number up to {most:,}" if argument in WHOLE else "a text in single quotes"
                raise self._error(key, f"{_short(shown)}: {argument} is {kind}")
            # a dimension is a name of ours, and does not stop to occur
            is_checked = self.compiler.strict or function.gives != "count" or argument == "dimension"
            if argument in function.known and is_checked:
                self._check_known(function, argument, value, values, _short(shown), key)
            values[argument] = self._value(argument, value, key)
        query = function.sql(values)
        for table, sql in SHARED.items():
            if table in query:
                self.compiler.shared.setdefault(table, sql)
        if function.seeds and not self._has_rows(function.seeds.format(**values)):
            raise self._error(key, f"{shown}: none of them has a reliable vector, so no one is similar to them")
        is_fraction = function.gives == "number"
        return self._joined(shown, query, _OTHERWISE[function.gives], is_fraction=is_fraction)

    def _check_known(
        self, function: Function, argument: str, value: str, before: dict[str, str], shown: str, key: str
    ) -> None:
        try:
            rows = self.compiler.connection.execute(function.known_sql(argument, before)).fetchall()
        except duckdb.CatalogException:
            raise self._error(key, f"{shown}: its tables are not there yet: run beha2vec materialize") from None
        known = [str(one) for (one,) in rows if one is not None]
        if not known:
            raise self._error(key, f"{shown}: {function.tables[0]} has no rows yet")
        if value not in known and argument == "map":
            raise self._error(key, f"{shown}: the group was drawn on an earlier map; draw it again in the explorer")
        if value not in known:
            raise self._error(key, f"{shown}: there is no {argument} {value}{nearest(value, known)}")

    def _value(self, argument: str, value: str, key: str) -> str:
        """SQL of an argument."""
        if argument in WHOLE:
            return value
        if argument == "audience":
            return self._other(value, key)
        if argument == "area":
            try:
                return inside_sql(read_area(value))
            except ValueError as error:
                raise self._error(key, str(error)) from None
        return quote(value)

    def _other(self, name: str, key: str) -> str:
        """The table of the members of another audience."""
        compiler = self.compiler
        table = f"members_of_{name}"
        if table not in compiler.shared:
            candidates = [one for one in compiler.audiences if one.name != self.name or name == self.name]
            try:
                other = find_audience(candidates, name)
            except AudienceError as error:
                raise self._error(key, str(error)) from None
            compiler.shared[table] = f"select user_key from ({compiler.query(other)}) where is_member"
        return table

    def _has_rows(self, query: str) -> bool:
        query = self.compiler.with_shared(f"select 1 from ({query}) limit 1")
        return bool(self.compiler.connection.execute(query).fetchall())

    def _joined(self, shown: str, query: str, otherwise: str, *, is_fraction: bool = False) -> str:
        if shown not in self.reads:
            alias = f"call_{len(self.joins)}"
            self.joins.append(f"left join ({query}) as {alias} on users.user_key = {alias}.user_key")
            source = f"coalesce({alias}.value, {otherwise})" if otherwise else f"{alias}.value"
            self.reads[shown] = (source, _shown(source, is_fraction))
        return self.reads[shown][0]

    def _error(self, key: str, problem: str) -> AudienceError:
        return AudienceError(f"audience {self.name}, {key}: {problem}")


def _short(shown: str) -> str:
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[: _LONGEST_SHOWN - 1]}…"


def _shown(source: str, is_fraction: bool) -> str:
    """SQL: a value as text, fractions with four decimals at most."""
    return f"regexp_replace(round({source}, 4)::varchar, '\\.0$', '')" if is_fraction else f"({source})::varchar"
