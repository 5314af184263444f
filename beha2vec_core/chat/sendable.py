"""Which rows of a SQL answer may be sent to a language model: aggregates that stand on enough users, else none.

The person at the screen sees every row. The model sees rows of a second statement, made from the first:

* Tables that hold aggregates already (`_AGGREGATES`) are read without their small groups.
* Every other table is of users. Such a statement must be one aggregating SELECT whose sources are tables of users, or
  parts of it that carry the plain ``user_key`` through. A hidden ``count(distinct user_key)`` of each of these sources
  is added, and a group that stands on fewer than ``min_users`` of any of them is withheld.
* Identifiers may be named there only to join, to hand on within a part, and to count.
* Only aggregates that reveal nothing of one user are allowed (no ``min``, ``max``, ``any_value``, ``list``).

What does not fit is not sent; the model gets the columns, the number of rows and the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sqlglot import exp

from beha2vec_core.chat.sql import DIALECT, SqlError, SqlLimits, check, run_sql

_KEY = "user_key"
_HIDDEN = "beha2vec_users_behind_"
_BIG = """cluster_key is null or cluster_key in (
    select cluster_key from beha2vec.user_clusters_current group by 1 having count(*) >= {n})"""
# tables without rows of users: which of their rows are sent
_AGGREGATES = {
    "beha2vec.cluster_profiles": _BIG,
    "beha2vec.cluster_insights": _BIG,
    "beha2vec.cluster_flows": "users >= {n}",
    "beha2vec.cluster_transitions": "users >= {n}",
    "beha2vec.cluster_paths": "users >= {n}",
    "beha2vec.buying_paths": "support >= {n}",
    "beha2vec.cluster_lineage": "users >= {n}",
    "beha2vec.cluster_models": "true",
    "beha2vec.cluster_model_current": "true",
    "beha2vec.encoder_evaluation": "n >= {n}",
    "beha2vec.enriched_pages": "page_key in (select page_key from ga4.dim_ga4__pages where users >= {n})",
    "ga4.dim_ga4__pages": "users >= {n}",
    "ga4.dim_ga4__properties": "true",
    "ga4.ga4_event_taxonomy": "true",
    "ga4.ga4_source_categories": "true",
    "ga4.ga4_quality__daily": "events >= {n}",
}
_IDENTIFIERS = {
    *(_KEY, "user_id", "user_ids", "user_pseudo_id", "client_key", "session_key", "ga_session_id", "transaction_id"),
    *("purchase_key", "page_view_key", "conversion_key", "event_key", "event_item_key", "last_non_direct_session_key"),
    *("page_location", "page_referrer", "sequence_hash", "behavior", "identity", "click_id"),
}
_AGGREGATE_FUNCTIONS = (exp.Count, exp.Sum, exp.Avg, exp.CountIf, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Median)
_PLACES = (exp.Rank, exp.DenseRank, exp.RowNumber, exp.PercentRank, exp.Ntile)  # of groups among each other
# an argument of `median`, which gives one user's number as it is
_MEASURES = {
    *("page_views", "sessions", "events", "purchases", "revenue", "engagement_time_msec", "distance", "margin"),
    *("n_events", "dwell_seconds", "active_days", "days_since_last_session", "tenure_days", "average_order_value"),
}
_PREDICATES = (exp.Predicate, exp.And, exp.Or, exp.Not, exp.Between, exp.In, exp.Is, exp.Case, exp.If)


class Sendable(NamedTuple):
    """What may be sent of an answer, and what was withheld."""

    columns: list[str]
    rows: list[list[Any]]
    truncated: bool
    withheld: int  # groups of too few users
    why_not: str | None  # no rows are sent at all


class NotSendable(Exception):
    """No row of the statement may be sent."""


def sendable_rows(path: Path, statement: str, limits: SqlLimits, min_users: int) -> Sendable:
    """The rows of the statement that may be sent to a model."""
    try:
        guarded, hidden = guard(check(statement), min_users)
        answer = run_sql(path, guarded, limits)
    except NotSendable as error:
        return Sendable([], [], False, 0, str(error))
    except SqlError:
        reason = "its rows may be of single users: only groups can be sent, by GROUP BY and aggregates over user_key"
        return Sendable([], [], False, 0, reason)
    shown = len(answer.columns) - hidden
    rows = [row[:shown] for row in answer.rows if all((users or 0) >= min_users for users in row[shown:])]
    return Sendable(answer.columns[:shown], rows, answer.truncated, len(answer.rows) - len(rows), None)


def guard(tree: exp.Query, min_users: int) -> tuple[str, int]:
    """The statement as it may be sent, with hidden counts of users as its last columns, and how many these are.

    Raises:
        NotSendable: no form of it may be sent.
    """
    if tree.find(exp.Pivot):
        raise NotSendable("PIVOT turns values into names of columns: use GROUP BY")
    tree = tree.copy()
    hidden = 0
    if _reads_users(tree):
        sources = _user_sources(tree)
        assert isinstance(tree, exp.Select)
        _check_outer(tree)
        for number, source in enumerate(sources):
            column = exp.column(_KEY, table=source) if source else exp.column(_KEY)
            tree.select(
                exp.alias_(exp.Count(this=exp.Distinct(expressions=[column])), f"{_HIDDEN}{number}"), copy=False
            )
        hidden = len(sources)
    return _without_small_groups(tree, min_users).sql(dialect=DIALECT), hidden


def _reads_users(node: exp.Expr) -> bool:
    return any(_is_of_users(table) for table in node.find_all(exp.Table))


def _is_of_users(table: exp.Table) -> bool:
    if isinstance(table.this, exp.Func):
        return bool(table.db)  # our macros give rows of users
    return bool(table.db) and _full_name(table) not in _AGGREGATES


def _full_name(table: exp.Table) -> str:
    return f"{table.db}.{table.name}".lower()


def _user_sources(tree: exp.Query) -> list[str]:
    """Aliases of the sources of the outer SELECT that have a user in each row, all of them checked."""
    if not isinstance(tree, exp.Select):
        raise NotSendable("it reads users and is not one plain SELECT")
    parts: dict[str, exp.Expr] = {}
    for cte in tree.find_all(exp.CTE):
        if cte.args["alias"].args.get("columns"):
            raise NotSendable("it renames the columns of a part")
        if cte.alias.lower() in parts:
            raise NotSendable("two parts of it have one name")
        parts[cte.alias.lower()] = cte.this
    trusted = _trusted_sources(tree, parts)
    known = [tree, *parts.values()]
    for node in known:  # grows: subqueries that are sources, at any depth
        if isinstance(node, exp.Select):
            known += [source.this for source in _sources(node) if isinstance(source, exp.Subquery)]
    for select in tree.find_all(exp.Select):
        if not any(select is one for one in known) and _touches_users(select, parts):
            raise NotSendable("it reads users in a nested SELECT")
    if not trusted:
        raise NotSendable("the users behind its rows cannot be counted")
    return trusted


def _sources(select: exp.Select) -> Iterator[exp.Expr]:
    if start := select.args.get("from_") or select.args.get("from"):
        yield start.this
    for join in select.args.get("joins") or []:
        yield join.this
    if select.args.get("laterals"):
        raise NotSendable("it has a lateral join")


def _trusted_sources(select: exp.Select, parts: dict[str, exp.Expr]) -> list[str]:
    """Sources with the true user_key; any other source must be an aggregate table that has no such column.

    Raises:
        NotSendable: a source that could pass off something else as a user.
    """
    trusted = []
    for source in _sources(select):
        alias = source.args.get("alias")
        if alias is not None and alias.args.get("columns"):
            raise NotSendable("it renames the columns of a table")
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            part = parts.get(source.name.lower()) if not source.db else None
            if part is not None:
                if _check_part(part, parts):
                    trusted.append(source.alias_or_name)
            elif _is_of_users(source):
                trusted.append(source.alias_or_name)
        elif isinstance(source, exp.Table) and isinstance(source.this, exp.Func) and source.db:
            if not source.alias:
                raise NotSendable("give the table function a name, by AS")
            trusted.append(source.alias)
        elif isinstance(source, exp.Subquery):
            if _check_part(source.this, parts):
                trusted.append(source.alias_or_name)
        else:
            raise NotSendable("it joins something that is not a table")
    return trusted


def _check_part(part: exp.Expr, parts: dict[str, exp.Expr]) -> bool:
    """Whether a part (WITH, or a subquery) has a user in each row; False: it holds aggregates, and no user_key."""
    outputs = part.selects if isinstance(part, exp.Select) else []
    keys = [item for item in outputs if item.alias_or_name.lower() == _KEY]
    if isinstance(part, exp.Select) and len(keys) == 1 and isinstance(keys[0], exp.Column):
        inner = _trusted_sources(part, parts)
        known = inner if len(inner) == len(list(_sources(part))) else [keys[0].table] if keys[0].table in inner else []
        if known:
            _check_outputs(part)
            return True
    if _touches_users(part, parts):
        raise NotSendable("a part of it reads users without passing on their user_key")
    if any(item.alias_or_name.lower() == _KEY for select in part.find_all(exp.Select) for item in select.selects):
        raise NotSendable("it names something user_key that is not one")
    return False


def _touches_users(node: exp.Expr, parts: dict[str, exp.Expr]) -> bool:
    """Whether it reads users, itself or through a part."""
    names = {table.name.lower() for table in node.find_all(exp.Table) if not table.db}
    return _reads_users(node) or any(_reads_users(part) for name, part in parts.items() if name in names)


def _check_outputs(part: exp.Select) -> None:
    """A part that has a user in each row hands on what belongs to this user, whole."""
    group = part.args.get("group")
    if group is not None and any(group.args.get(kind) for kind in ("rollup", "cube", "grouping_sets")):
        raise NotSendable("a part of it groups by ROLLUP, CUBE or GROUPING SETS")
    for item in part.selects:
        if item.is_star or item.find(exp.Columns):
            raise NotSendable("a part of it has * where users are read: name the columns")
        if item.find(exp.Window):
            raise NotSendable("a part of it has a window over users")
        for function in item.find_all(exp.Sum, exp.Avg, exp.Max, exp.Min):
            if isinstance(function.parent, exp.Filter):
                raise NotSendable("FILTER is for count")
        value = item.unalias()
        if isinstance(value, exp.Sum | exp.Avg | exp.Max | exp.Min):
            value = value.this
        counts = value.find(exp.Count, exp.CountIf) is not None and not value.find(exp.Case, exp.If)
        if value.find(*_PREDICATES) and not (counts or _is_yes_or_no(value) or _names_buckets(value)):
            raise NotSendable("a condition within a part may single out one user: use WHERE")


def _names_buckets(value: exp.Expr) -> bool:
    """CASE that gives fixed words: 'many', 'few'."""
    if not isinstance(value, exp.Case):
        return False
    results = [*(branch.args["true"] for branch in value.args["ifs"]), value.args.get("default")]
    return all(result is None or isinstance(result, exp.Literal | exp.Null) for result in results)


def _check_outer(tree: exp.Select) -> None:
    """Only aggregates that reveal nothing of one user; no identifiers, but user_key to join and to count."""
    if tree.args.get("distinct") or (tree.find(exp.Star) and any(isinstance(item, exp.Star) for item in tree.selects)):
        raise NotSendable("its rows are of single users: only groups can be sent, by GROUP BY")
    for column in tree.find_all(exp.Column):
        name = column.name.lower()
        if name in _IDENTIFIERS and not _may_name(column):
            raise NotSendable(f"it uses {name}: identifiers of users are only for joining and counting")
    for node in [*tree.selects, *_clauses(tree)]:
        for function in node.find_all(exp.AggFunc):
            _check_aggregate(function)
        if any(isinstance(function, exp.Anonymous) for function in node.find_all(exp.Func)):
            raise NotSendable("it uses a function that is not known to be safe")


def _clauses(tree: exp.Select) -> Iterator[exp.Expr]:
    for name in ("having", "order", "qualify"):
        if clause := tree.args.get(name):
            yield clause


def _may_name(column: exp.Column) -> bool:
    """In ON beside the same column of another table, in a count, as an output or a group of a part."""
    parent = column.parent
    if isinstance(parent, exp.Count) or (isinstance(parent, exp.Distinct) and isinstance(parent.parent, exp.Count)):
        return True
    if isinstance(parent, exp.EQ):
        other = parent.right if parent.left is column else parent.left
        return isinstance(other, exp.Column) and other.name.lower() == column.name.lower()
    select = column.parent_select
    return select is not None and select.parent is not None and isinstance(parent, exp.Select | exp.Group)


def _check_aggregate(function: exp.AggFunc) -> None:
    name = function.sql_name().lower()
    if isinstance(function, _PLACES):
        return
    if not isinstance(function, _AGGREGATE_FUNCTIONS):
        raise NotSendable(f"{name} may reveal the value of one user: count, sum, avg and median can be sent")
    if isinstance(function, exp.Count | exp.CountIf):
        return
    argument = function.this
    if isinstance(function, exp.Median):
        if not (isinstance(argument, exp.Column) and argument.name.lower() in _MEASURES):
            raise NotSendable("median is for the plain numbers of users, such as page_views")
        return
    if isinstance(function.parent, exp.Filter):
        raise NotSendable("FILTER is for count")
    if not _is_yes_or_no(argument) and argument.find(*_PREDICATES):
        raise NotSendable("a condition within a sum may single out one user: use WHERE")


def _is_yes_or_no(argument: exp.Expr) -> bool:
    """Whether the argument is 1 or 0 (or null): a share, not a user's number."""
    while isinstance(argument, exp.Paren | exp.Cast):
        argument = argument.this
    if isinstance(argument, exp.Case):
        results = [branch.args["true"] for branch in argument.args["ifs"]]
        results += [argument.args["default"]] if argument.args.get("default") else []
        return all(
            isinstance(r, exp.Null) or (isinstance(r, exp.Literal) and r.this in ("0", "1", "0.0", "1.0", "100"))
            for r in results
        )
    return isinstance(argument, exp.Predicate | exp.And | exp.Or | exp.Not | exp.Boolean)


def _without_small_groups(tree: exp.Query, min_users: int) -> exp.Query:
    def narrowed(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Table) or isinstance(node.this, exp.Func) or not node.db:
            return node
        condition = _AGGREGATES.get(_full_name(node))
        if condition is None or condition == "true":
            return node
        rows = (
            exp.select("*")
            .from_(exp.table_(node.name, db=node.db))
            .where(condition.format(n=min_users), dialect=DIALECT)
        )
        return rows.subquery(node.alias_or_name)

    # by hand and not by `transform`, which would go on into what it has put in
    for table in list(tree.find_all(exp.Table)):
        replacement = narrowed(table)
        if replacement is not table:
            for key in ("joins", "laterals"):
                if table.args.get(key):
                    replacement.set(key, table.args[key])
            table.replace(replacement)
    return tree
