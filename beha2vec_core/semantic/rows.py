"""Rows of the tables that metrics are computed from: their dimensions, and which of them pass a query's filters."""

from functools import cache

from sqlglot import exp, parse_one
from sqlglot.optimizer.scope import find_all_in_scope

from beha2vec_core.semantic.definitions import DIMENSIONS, JOINS, TABLES, Dimension, Table
from beha2vec_core.semantic.query import Did, Filter, Period

# copy=False, here and where these are used: sqlglot would copy the whole statement at each step, most of the time
DIALECT = "duckdb"
ERROR = "error"  # the page type of views that the site answered with an error


class NotAnswerable(ValueError):
    """The metric cannot be broken down or filtered so; the message says why."""


@cache
def reaches(table: Table, name: str) -> bool:
    """Whether rows of the table have the dimension."""
    sql = DIMENSIONS[name].sql
    has_key = DIMENSIONS[name].kind != "user" or sql.removeprefix("{t}.") in table.keys
    has_time = table.time is not None or "{time}" not in sql
    return has_key and has_time and _aliases(sql, table) <= {table.alias, *table.joins}


def expression_of(dimension: Dimension, table: Table) -> str:
    """SQL of the dimension over a table."""
    return dimension.sql.format(t=table.alias, date=table.date, time=table.time)


def among_values(one: Filter, table: Table, period: Period | None = None) -> exp.Expr:
    """Whether the dimension has one of the filter's values; or whether all of what it names was done in the period."""
    side = parse_one(expression_of(DIMENSIONS[one.dimension], table), dialect=DIALECT)
    if one.did:
        known = side.copy().is_(exp.null()).not_()
        return exp.and_(known, *(_done(did, one.dimension, side.copy(), period) for did in one.did))
    if not one.values:
        return side.is_(exp.null()).not_()
    values: list[exp.Expr] = [exp.Literal.string(value) for value in one.values]
    if DIMENSIONS[one.dimension].kind == "number":
        values = [exp.Literal.number(int(value)) for value in one.values]
    among = side.isin(*values)
    if one.dimension == "page_type" and table.alias == "v" and ERROR in one.values:  # by its title, not by its label
        is_error = exp.column("is_error_page", table="v")
        others = [value for value in one.values if value != ERROR]
        return exp.or_(is_error, side.copy().isin(*others)) if others else is_error
    return among


def _done(did: Did, dimension: str, side: exp.Expr, period: Period | None) -> exp.Expr:
    """Whether the key of a user, a session or an order is among those with such rows."""
    table, period = TABLES[did.table], did.period or period
    if did.after is not None:
        among = exp.In(this=side, query=_in_order(did, did.after, dimension, period).subquery(copy=False))
        return among.not_() if did.is_excluded else among
    key = _key_of(did, dimension)
    rows = rows_of([f"{key} as done_by"], table, period, did.filters)
    rows = rows.where(f"{key} is not null", dialect=DIALECT, copy=False)
    counted = f"count(distinct {table.date})" if did.of_days else table.counted
    limits = [f"{counted} >= {did.at_least}"]
    limits += [f"{counted} <= {did.at_most}"] if did.at_most is not None else []
    if counted != "count(*)" or did.at_least > 1 or did.at_most is not None:  # else any row will do
        rows = rows.group_by(exp.Literal.number(1), copy=False).having(*limits, dialect=DIALECT, copy=False)
    among = exp.In(this=side, query=rows.subquery(copy=False))
    return among.not_() if did.is_excluded else among


def _key_of(did: Did, dimension: str) -> str:
    """SQL of the user, session or order of a row."""
    table = TABLES[did.table]
    if not all(reaches(table, name) for name in (dimension, *(one.dimension for one in did.filters))):
        raise NotAnswerable(f"{DIMENSIONS[dimension].label}s are not available for these {table.unit}")
    return expression_of(DIMENSIONS[dimension], table)


def _in_order(later: Did, earlier: Did, dimension: str, period: Period | None) -> exp.Select:
    """Keys with a row of one kind after a row of another one, or after the first such row, in so many days or hours."""
    keys = _key_of(later, dimension), _key_of(earlier, dimension)
    tables = TABLES[later.table], TABLES[earlier.table]
    columns = [
        [f"{key} as k", f"{table.moment or table.time} as moment", f"{table.date} as on_day"]
        for key, table in zip(keys, tables, strict=True)
    ]
    within = later.within
    after = rows_of(columns[0], tables[0], None if within else period, later.filters)
    # the first of all, in the period; else those of the period
    before = rows_of(columns[1], tables[1], None if later.of_first else period, earlier.filters)
    if later.of_first or within is None:  # after any is after the first
        before = (
            exp.select("k", "min(moment) as moment", "min(on_day) as on_day")
            .from_(before.subquery("one", copy=False), copy=False)
            .group_by("k", copy=False)
        )
    if later.of_first and period:
        before = before.having(f"min(on_day) between date '{period.first}' and date '{period.last}'", dialect=DIALECT)
    same = ">=" if earlier.table == "sessions" != later.table else ">"  # what begins a session is in it
    wheres = [f"l.moment {same} e.moment", "l.k is not null"]
    if within and within.unit == "hour":
        wheres.append(f"l.moment <= e.moment + interval {within.most} hour")
    elif within:
        wheres.append(f"l.on_day - e.on_day between {within.least} and {within.most}")
    joined = exp.select("l.k").from_(after.subquery("l", copy=False), copy=False)
    joined = joined.join(before.subquery("e", copy=False), on="l.k = e.k", copy=False)
    return joined.where(*wheres, dialect=DIALECT, copy=False)


def grouped(
    columns: list[str], keys: int, table: Table, period: Period | None, filters: tuple[Filter, ...]
) -> exp.Select:
    """Columns of the table's rows, grouped by the first ``keys`` of them."""
    select = rows_of(columns, table, period, filters)
    return select.group_by(*(exp.Literal.number(place + 1) for place in range(keys)), copy=False) if keys else select


def rows_of(columns: list[str], table: Table, period: Period | None, filters: tuple[Filter, ...]) -> exp.Select:
    """Columns of the table's rows in the period that pass the filters, with the joins these need."""
    wheres: list[exp.Expr] = []
    for one in filters:
        among = among_values(one, table, period)
        wheres.append(exp.func("coalesce", among.not_(), exp.true()) if one.is_excluded else among)
    if period and table.date:
        ends = [exp.cast(exp.Literal.string(str(end)), "date") for end in (period.first, period.last)]
        wheres.append(exp.Between(this=parse_one(table.date, dialect=DIALECT), low=ends[0], high=ends[1]))
    used = _aliases(" + ".join(f"({column.rpartition(' as ')[0]})" for column in columns), table)
    for where in wheres:
        used |= {column.table for column in find_all_in_scope(where, exp.Column)}
    joins = " ".join(JOINS[alias].format(t=table.alias, date=table.date) for alias in table.joins if alias in used)
    select = parse_one(f"select {', '.join(columns)} from {table.sql} {joins}", dialect=DIALECT, into=exp.Select)
    return select.where(*wheres, copy=False) if wheres else select


def _aliases(sql: str, table: Table) -> set[str]:
    """Aliases of tables in an expression, subqueries left out."""
    tree = parse_one(sql.format(t=table.alias, date=table.date or "null", time=table.time or "null"), dialect=DIALECT)
    return {column.table for column in find_all_in_scope(tree, exp.Column) if column.table}
