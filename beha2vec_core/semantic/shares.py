"""SQL of shares: of rows with their intervals, and of the whole of a day, week, month or group."""

from sqlglot import exp, parse_one

from beha2vec_core.semantic.definitions import DIMENSIONS, PEOPLE_COUNTED, Measure, Table
from beha2vec_core.semantic.query import Filter, Period, Query
from beha2vec_core.semantic.rows import DIALECT, grouped


def applied(query: Query) -> tuple[Filter, ...]:
    """The filters that leave rows out."""
    return tuple(one for one in query.filters if not (query.against_rest and one.dimension in query.by))


def by_user(query: Query, table: Table, measure: Measure, keys: list[str], period: Period | None) -> exp.Select:
    """A share, and how many independent rows its interval rests on, as rows of one user are not independent.

    The variance of the share over users (by linearization) over that of independent rows is the design effect, by which
    the number of rows is divided; it is at least 1. Where no user differs, all have it or none, it is the number of
    users. See Korn and Graubard, "Confidence intervals for proportions with small expected number of positive counts
    estimated from survey data" (1998).
    """
    user = f"{table.alias}.user_key as user_key"
    names = ", ".join(query.by)
    listed = f"{names}, " if names else ""
    if query.is_share:
        part = grouped([*keys, user, f"{measure.value} as k"], len(keys) + 1, table, period, applied(query))
        groups = keys if query.of_each else []
        whole = grouped(
            [*groups, user, f"{measure.value} as n"], len(groups) + 1, table, period, filters_of_whole(query)
        )
        totals = "(select sum(n) from whole)", "(select sum(n::double * n) from whole)", "(select count(*) from whole)"
        rows = "part join whole on part.user_key is not distinct from whole.user_key"
        if query.of_each:
            totals = "sum(n)", "sum(n::double * n)", "count(*)"
            same = " and ".join(f"part.{one} is not distinct from whole.{one}" for one in (*query.by, "user_key"))
            rows = f"(select whole.*, coalesce(part.k, 0) as k from whole left join part on {same})"
        columns = (
            f"coalesce(sum(k), 0)::bigint as value, coalesce(sum(k), 0)::bigint as n, {totals[0]}::bigint as total"
        )
    else:
        pair = [f"{measure.value} as k", f"{measure.per} as n"]
        part, whole = grouped([*keys, user, *pair], len(keys) + 1, table, period, applied(query)), None
        totals = "sum(n)", "sum(n::double * n)", "count(*) filter (where n > 0)"
        rows = "part"
        columns = "sum(k)::double / nullif(sum(n), 0) as value, coalesce(sum(n), 0)::bigint as n"
        columns += ", coalesce(sum(k), 0)::bigint as k"
    base, squares, users = totals
    share = f"(sum(k)::double / {base})"
    variance = f"(sum(k::double * k) - 2 * {share} * sum(k::double * n) + {share} * {share} * {squares})"
    effective = f"""case when sum(k) in (0, {base}) then {users}
        else {base} / greatest(1, {variance} / ({base} * {share} * (1 - {share}))) end as n_effective"""
    select = parse_one(f"select {listed}{columns}, {effective} from {rows}", dialect=DIALECT, into=exp.Select)
    if query.by:
        select = select.group_by(*(exp.column(name) for name in query.by), copy=False)
    select = select.with_("part", as_=part, copy=False)
    return select.with_("whole", as_=whole, copy=False) if whole is not None else select


def is_over_time(query: Query) -> bool:
    """Whether shares are those of a part, day by day, by week or by month."""
    timed = [name for name in query.by if DIMENSIONS[name].kind == "time"]
    return bool(timed and (query.filters or len(query.by) > len(timed))) or is_of_groups(query)


def is_of_groups(query: Query) -> bool:
    """Whether shares are those of a part of each group: of the users of each device, those who ordered."""
    return bool(query.is_share and query.by and query.filters and (query.of_each or query.filters[0].did))


def share_over_time(query: Query, table: Table, measure: Measure, keys: list[str], period: Period | None) -> exp.Select:
    """Shares of the whole of the same day, week or month, or group; with intervals where people are counted."""
    timed = [name for name in query.by if DIMENSIONS[name].kind == "time" or is_of_groups(query)]
    times = [key for name, key in zip(query.by, keys, strict=True) if name in timed]
    extra = [f"{measure.extra} as currency"] if measure.extra else []
    part = grouped([*keys, f"{measure.value} as value"], len(keys), table, period, query.filters)
    whole = grouped([*times, f"{measure.value} as total", *extra], len(times), table, period, filters_of_whole(query))
    columns = [
        *query.by,
        "coalesce(value, 0) as value",
        "coalesce(value, 0) as n",
        "total",
        f"{'total' if query.metric in PEOPLE_COUNTED else 'null'}::double as n_effective",
    ]
    columns += ["currency"] if extra else []
    joined = f"select {', '.join(columns)} from whole left join part using ({', '.join(timed)})"
    select = parse_one(joined, dialect=DIALECT, into=exp.Select)
    return select.with_("part", as_=part, copy=False).with_("whole", as_=whole, copy=False)


def filters_of_whole(query: Query) -> tuple[Filter, ...]:
    """Of parts that are chosen, too: mobile and desktop are shares of all devices."""
    if is_of_groups(query):
        return query.filters[1:]
    by = [name for name in query.by if DIMENSIONS[name].kind != "time"]
    return tuple(one for one in query.filters if one.dimension not in by) if by else query.filters[1:]
