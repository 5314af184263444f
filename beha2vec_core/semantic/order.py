"""Which groups of a query come first, and which have no name."""

from sqlglot import exp, parse_one

from beha2vec_core.semantic.definitions import DIMENSIONS
from beha2vec_core.semantic.query import Query
from beha2vec_core.semantic.rows import DIALECT


def unnamed(query: Query) -> exp.Expr | None:
    """Whether a group has no name; None: all groups are days, weeks or months.

    GA4's campaigns "(organic)", "(direct)" and "(referral)" are visits without a campaign.
    """
    tables = ("now", "earlier") if query.versus else ("now",)  # a group that is gone has a name too
    nameless: list[exp.Expr] = []
    for name in query.by:
        group = exp.func("coalesce", *(exp.column(name, table=one) for one in tables))
        if name in ("campaign", "first_campaign"):
            nameless.append(exp.func("coalesce", group.like("(%)"), exp.true()))
        elif DIMENSIONS[name].kind != "time":
            nameless.append(group.is_(exp.null()))
    return exp.or_(*nameless) if nameless else None


def in_order(query: Query, select: exp.Select, most: int) -> exp.Select:
    """The first groups in the order that is asked for, with all that are equal to the last of these.

    Where the highest or the lowest is asked for, groups without a name are left out, and counted: ``unnamed``.

    Args:
        most: rows, also if more are equal.
    """
    select = select.order_by(*_order(query), copy=False)
    if query.ascending is None or query.by_change:
        return select.limit(query.top or most, copy=False)
    nameless = unnamed(query)
    apart = ""
    if nameless is not None:
        condition = nameless.sql(dialect=DIALECT)
        select = select.select(f"count(*) filter (where {condition}) over () as unnamed", dialect=DIALECT, copy=False)
        select = select.qualify(exp.paren(nameless).not_(), copy=False)
        apart = f"partition by {condition} "
    if query.top:
        first = _order(query)[0].sql(dialect=DIALECT)
        rank = f"rank() over ({apart}order by {first}) <= {query.top}"
        select = select.qualify(parse_one(rank, dialect=DIALECT), copy=False)
    return select.limit(most, copy=False)


def _order(query: Query) -> list[exp.Expr]:
    """Time in its order unless the largest or smallest is asked for; names decide ties."""
    names = [exp.column(name) for name in query.by]
    kinds = {DIMENSIONS[name].kind for name in query.by}
    if query.ascending is None and kinds & {"time", "step"}:
        return [exp.Ordered(this=name, nulls_first=False) for name in names]
    # shares are not all of one whole: not of a week, nor of those of a channel who bought again
    now, earlier = (f"{one}.value{f' / nullif({one}.total, 0)' * query.is_share}" for one in ("now", "earlier"))
    value = parse_one(f"coalesce({now}, 0) - coalesce({earlier}, 0)" if query.by_change else now, dialect=DIALECT)
    first = exp.Ordered(this=value, desc=not query.ascending, nulls_first=False)
    return [first, *(exp.Ordered(this=name, nulls_first=False) for name in names)]
