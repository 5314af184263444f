"""One SQL statement for a semantic query, in DuckDB's dialect.

Names come from the definitions, values of a question only as string literals that sqlglot writes.

Columns of the result: one per breakdown (its name), ``value``, ``n`` (how many the value rests on), for shares ``k``
(the numerator) and ``n_effective`` (how many independent rows the interval rests on), for money ``currency``, for
shares of a total ``total``; of ratios ``part`` (what is divided); of groups of one half by another metric ``median``
(that metric's); of counted groups how many there are in all (``total``) and the sums of their values (``worth``,
``worth_of_all``); of the highest or the lowest groups how many without a name are left out (``unnamed``); with a
comparison the same of the other period, with the ending ``_before``.
"""

from dataclasses import replace

from sqlglot import exp, parse_one

from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS, SOURCES, TABLES, Measure, Metric, Table
from beha2vec_core.semantic.order import in_order, unnamed
from beha2vec_core.semantic.query import Did, Filter, Having, Period, Query, is_by_time
from beha2vec_core.semantic.rows import DIALECT, NotAnswerable, among_values, expression_of, grouped, reaches, rows_of
from beha2vec_core.semantic.shares import (
    applied,
    by_user,
    filters_of_whole,
    is_of_groups,
    is_over_time,
    share_over_time,
)

MAX_ROWS = 1000
# metrics whose rows are counted once each, so that a part of them is a share with an interval
COUNTED_ONCE = ("users", "sessions", "orders", "buyers")
REST = "all others"
ENOUGH = 20  # rows of `n`: a rate of fewer is not ranked


def compile_query(query: Query) -> str:
    """The statement.

    Raises:
        NotAnswerable: no table of the metric has the dimensions or days that the query asks for.
    """
    query = in_context(query)
    wanted = [_values(query, query.period)]
    if query.versus:
        wanted.append(_values(query, query.versus))
    keys = [exp.column(name, table="now") for name in query.by]
    values = [column.alias_or_name for column in wanted[0].selects[len(query.by) :]]
    select = exp.select(*(exp.column(name, table="now") for name in values)).from_("now", copy=False)
    select = select.with_("now", as_=wanted[0], copy=False)
    if query.versus:
        # full: a channel that is gone, or new, is a change too
        select = exp.select(
            *(exp.func("coalesce", *(exp.column(n, table=t) for t in ("now", "earlier"))).as_(n) for n in query.by),
            *(exp.column(name, table="now") for name in values),
            *(exp.column(name, table="earlier").as_(f"{name}_before") for name in values),
        ).from_("now", copy=False)  # fmt: skip
        select = select.with_("now", as_=wanted[0], copy=False).with_("earlier", as_=wanted[1], copy=False)
        same = _same_group(query, "earlier")
        select = select.join("earlier", on=exp.and_(*same) if same else exp.true(), join_type="full", copy=False)
    else:
        select.set("expressions", [*keys, *select.expressions])
    if not (query.is_share or query.by_change):  # what has no coupon, or no user, is no group
        whose = [name for name in query.by if name == "coupon" or DIMENSIONS[name].kind == "user"]
        select = select.where(*(exp.column(name, table="now").is_(exp.null()).not_() for name in whose), copy=False)
    if query.moved:
        known = unnamed(query)
        select = select.where(exp.paren(known).not_(), copy=False) if known else select
    if query.by:
        if is_ranked(query):
            both = ("now", "earlier") if query.by_change else ("now",)
            n = "total" if query.is_share else "n"
            select = select.where(*(parse_one(f"{one}.{n} >= {ENOUGH}", dialect=DIALECT) for one in both), copy=False)
        for one in query.having:
            select = select.where(_of_other_metric(query, one), copy=False)
            if one.half:
                select = select.select(_median(query, one).subquery(copy=False).as_("median"), copy=False)
        limits = [f"now.value {sign} {float(limit)!r}" for _, sign, limit in query.limits]
        if query.counts_groups:
            return _groups_counted(query, select, limits, "currency" in values).sql(
                dialect=DIALECT, pretty=True, copy=False
            )
        select = select.where(*limits, dialect=DIALECT, copy=False) if limits else select
        if query.top_of_each:
            return _first_of_each(query, select).sql(dialect=DIALECT, pretty=True, copy=False)
        select = in_order(query, select, MAX_ROWS)
    return select.sql(dialect=DIALECT, pretty=True, copy=False)


def _values(query: Query, period: Period | None) -> exp.Select:
    """The metric in one period, by the breakdown; divided by the other metric where there is one."""
    if query.per is None:
        metric, table, measure = place(query)
        found = _aggregate(query, metric, table, measure, period)
        return _with_zeros(query, found) if period == query.period and lists_zeros(query) else found
    part, base = (replace(query, metric=name, per=None, versus=None) for name in (query.metric, query.per))
    parts, bases = (_aggregate(one, *place(one), period) for one in (part, base))
    names = "".join(f"b.{name}, " for name in query.by)
    currency = ", p.currency" if "currency" in parts.named_selects else ""
    same = " and ".join(f"p.{name} is not distinct from b.{name}" for name in query.by) or "true"
    select = parse_one(
        f"select {names}coalesce(p.value, 0)::double / nullif(b.value, 0) as value, b.value as n, "
        f"coalesce(p.value, 0) as part{currency} "
        f"from bases as b left join parts as p on {same}",
        dialect=DIALECT,
        into=exp.Select,
    )
    return select.with_("parts", as_=parts, copy=False).with_("bases", as_=bases, copy=False)


def _of_other_metric(query: Query, one: Having) -> exp.Expr:
    """Whether a group's other metric is so much; a group without a row of it has none."""
    groups = _groups_of(query, one)
    limit = f"other.value >= {one.at_least!r}" if one.at_least is not None else f"other.value > {one.at_most!r}"
    if one.half:
        median = _median(query, one).sql(dialect=DIALECT, copy=False)
        limit = f"other.value {'>=' if one.half == 'upper' else '<='} ({median})"
    rows = exp.select("1").from_(groups.subquery("other", copy=False), copy=False)
    rows = rows.where(*_same_group(query, "other"), parse_one(limit, dialect=DIALECT), copy=False)
    found = exp.Exists(this=rows)
    return found if one.half or one.at_least is not None else found.not_()


def _same_group(query: Query, other: str) -> list[exp.Expr]:
    """Whether a row of another table is of the same group."""
    pairs = ((exp.column(name, table="now"), exp.column(name, table=other)) for name in query.by)
    return [exp.NullSafeEQ(this=one, expression=same) for one, same in pairs]


def _groups_of(query: Query, one: Having) -> exp.Select:
    """The other metric of each group."""
    other = Query(one.metric, query.by, query.filters, query.period)
    return _aggregate(other, *place(other), query.period)


def _median(query: Query, one: Having) -> exp.Select:
    """The median of the other metric over all groups with a name."""
    named = [exp.column(name).is_(exp.null()).not_() for name in query.by]
    median = parse_one("quantile_disc(value, 0.5)", dialect=DIALECT)
    every = _groups_of(query, one).subquery("every", copy=False)
    return exp.select(median).from_(every, copy=False).where(*named, copy=False)


def _first_of_each(query: Query, select: exp.Select) -> exp.Select:
    """The first rows within each group of the breakdowns before the last; groups without a name are left out."""
    *outer, inner = query.by
    groups = ", ".join(f"now.{name}" for name in outer)
    direction = "asc" if query.ascending else "desc"
    known = [exp.column(name, table="now").is_(exp.null()).not_() for name in query.by]
    rank = f"row_number() over (partition by {groups} order by now.value {direction}, now.{inner})"
    select = select.where(*known, parse_one("now.value is not null", dialect=DIALECT), copy=False).qualify(
        parse_one(f"{rank} <= {query.top_of_each}", dialect=DIALECT), copy=False
    )
    timed = is_by_time(tuple(outer))
    first = groups if timed else f"sum(now.value) over (partition by {groups}) desc, {groups}"
    ordered = select.order_by(first, f"now.value {direction}", dialect=DIALECT, copy=False)
    return ordered.limit(MAX_ROWS, copy=False)


def _groups_counted(query: Query, groups: exp.Select, limits: list[str], has_currency: bool) -> exp.Select:
    """How many groups are within the limits, and of how many; of orders also their values, and those of all."""
    is_there = "now.n > 0" if "one_order" in query.by else "now.value > 0"  # an order can be free
    within = " and ".join(limits) or "true"
    if is_by_time(query.by):  # of all days, also those without
        within, is_there = within if limits else is_there, "true"
    columns = [f"count(*) filter (where {within}) as value", "count(*) as total"]
    columns += [f"coalesce(sum(now.value) filter (where {within}), 0) as worth", "sum(now.value) as worth_of_all"]
    columns += ["(select min(currency) from now) as currency"] if has_currency else []
    known = [exp.column(name, table="now").is_(exp.null()).not_() for name in query.by]
    groups.set("expressions", [])
    counted = groups.select(*columns, dialect=DIALECT, copy=False)
    return counted.where(parse_one(is_there, dialect=DIALECT), *known, copy=False)


def compile_sums(
    table_name: str, metrics: tuple[str, ...], dimensions: tuple[str, ...], period: Period
) -> tuple[str, str]:
    """The statements for what is computed of users: metrics of one table, summed by user, day and all dimensions.

    The first is for the rows. The second sums them, where they are called ``joined``, for one part of the users
    (``$part`` of ``$parts``): in one step DuckDB would hold the joins and all groups in memory. Columns: ``user`` (a
    hash), ``day``, a column per dimension, and per metric its name (the value, or the numerator) and, of a metric per
    something, ``<name>_n`` (the denominator). Rows without a user are left out.
    """
    table = TABLES[table_name]
    columns = [f"hash({table.alias}.user_key) as user", f"{table.date} as day"]
    columns += [f"{expression_of(DIMENSIONS[name], table)} as {name}" for name in dimensions]
    keys = len(columns)
    for name in metrics:
        measure = METRICS[name].sql[table_name]
        columns.append(f"{measure.value} as {name}")
        columns += [f"{measure.per} as {name}_n"] if measure.per else []
    select = grouped(columns, keys, table, period, ()).where(
        f"{table.alias}.user_key is not null", dialect=DIALECT, copy=False
    )
    groups, values = select.expressions[:keys], select.expressions[keys:]
    read = dict.fromkeys((one.table, one.name) for value in values for one in value.find_all(exp.Column))

    def of_rows(one: exp.Expression) -> exp.Expression:
        return exp.column(f"{one.table}_{one.name}") if isinstance(one, exp.Column) else one

    sums = exp.select(*(key.alias for key in groups), *(value.transform(of_rows) for value in values)).from_("joined")
    sums = sums.where('"user" % $parts = $part', dialect=DIALECT)
    sums.set("group", select.args["group"].copy())
    select.set("expressions", [*groups, *(exp.column(name, one).as_(f"{one}_{name}") for one, name in read)])
    select.set("group", None)
    return select.sql(dialect=DIALECT, pretty=True, copy=False), sums.sql(dialect=DIALECT, pretty=True, copy=False)


def compile_by_user(query: Query, period: Period | None) -> str:
    """The statement for what is counted of users: user_key, a column per breakdown, ``part`` and, of a rate, ``base``.

    The value of a group is the sum of ``part`` over its users, over that of ``base``.
    """
    query = in_context(query)
    _, table, measure = place(query)
    columns = [f"{table.alias}.user_key as user_key"]
    columns += _keys(query, table)
    keys = len(columns)
    columns.append(f"{measure.value} as part")
    columns += [f"{measure.per} as base"] if measure.per else []
    return grouped(columns, keys, table, period, applied(query)).sql(dialect=DIALECT, copy=False)


def compile_rates(query: Query, metrics: tuple[str, ...]) -> str:
    """The statement for several rates of one table by the query's breakdown, in one scan, without intervals."""
    query = in_context(query)
    _, table, _ = place(replace(query, metric=metrics[0]))
    columns = _keys(query, table)
    keys = len(columns)
    for name in metrics:
        _, _, measure = place(replace(query, metric=name))
        columns.append(f"({measure.value})::double / nullif({measure.per}, 0) as {name}")
    select = grouped(columns, keys, table, query.period, applied(query))
    return select.order_by(*(exp.Literal.number(place + 1) for place in range(keys))).sql(
        dialect=DIALECT, pretty=True, copy=False
    )


def compile_last_days(metric: str, dimension: str, days: int) -> str:
    """The statement for a metric of each user in the last days of the export: user_key, the dimension and ``part``."""
    query = Query(metric, (dimension,))
    _, table, measure = place(query)
    columns = [f"{table.alias}.user_key as user_key", *_keys(query, table), f"{measure.value} as part"]
    last = f"(select z.last_day from ga4.dim_ga4__properties as z where z.property_id = {table.alias}.property_id)"
    select = grouped(columns, 2, table, None, ())
    return select.where(f"{table.date} > {last} - {int(days)}", dialect=DIALECT, copy=False).sql(
        dialect=DIALECT, copy=False
    )


def compile_values(metric: str, dimension: str) -> str:
    """The statement for the values of a dimension where the metric is counted: one column."""
    query = Query(metric, (dimension,))
    _, table, _ = place(query)
    return rows_of(_keys(query, table), table, None, ()).distinct(copy=False).sql(dialect=DIALECT, copy=False)


def in_context(query: Query) -> Query:
    """The query whose filters of visits also hold for what users did: of those who ordered, on mobile, the orders too.

    A filter that says the same of visits as what was done stays apart: users from email who also came from a campaign.
    So does the part of a share: of all who ordered, those who were on mobile.
    """
    sessions, of_visits = TABLES["sessions"], []
    for one in filters_of_whole(query) if query.is_share else query.filters:
        is_of_visit = DIMENSIONS[one.dimension].kind != "user" and reaches(sessions, one.dimension)
        if is_of_visit and one.dimension not in query.by:
            of_visits.append(one)

    def applied(did: Did) -> Did:
        named = {one.dimension for one in did.filters}
        named |= {*SOURCES} if named & {*SOURCES} else set()
        return replace(did, filters=(*did.filters, *(one for one in of_visits if one.dimension not in named)))

    def of_users(one: Filter) -> Filter:
        return replace(one, did=tuple(map(applied, one.did))) if one.dimension == "user" else one

    return replace(query, filters=tuple(map(of_users, query.filters)))


def is_ranked(query: Query) -> bool:
    """Whether groups are put in the order of a rate, so that those of a few rows are left out."""
    chosen = {one.dimension for one in query.filters}
    rated = METRICS[query.metric].is_ratio or query.per is not None or is_of_groups(query)
    few = {"new_or_returning", *chosen}  # their groups are named, or two
    is_part = query.by_change and not query.moved  # the parts of a change are of all groups
    return rated and not is_part and any(DIMENSIONS[name].kind != "time" and name not in few for name in query.by)


def lists_zeros(query: Query) -> bool:
    """Whether groups of sessions without a single order (or item, page view) have a row too, of 0.

    The lowest of counts and sums is one of these, where the metric's table has no row of it; so may be a named group.
    Days, weeks and months are all listed, whatever the filters.
    """
    _, table, measure = place(query)
    sessions = TABLES["sessions"]
    timed = is_by_time(query.by)
    names = query.by if timed else [*query.by, *(one.dimension for one in query.filters)]
    reached = all(reaches(sessions, name) for name in names)
    counts = METRICS[query.metric].unit in ("count", "money") and measure.per is None
    plain = not (query.is_share or query.versus or query.against_rest)  # the rest is one group with values of its own
    plain = plain and not any(DIMENSIONS[name].kind == "user" for name in query.by)
    named = any(one.dimension in query.by and len(one.values) > 1 and not one.is_excluded for one in query.filters)
    asked = timed or query.ascending or (named and not any(DIMENSIONS[name].kind == "time" for name in query.by))
    counted = query.counts_groups
    is_there = table == TABLES["predictions"] or (table == sessions and not (timed and (query.filters or counted)))
    return bool(asked and query.by and counts and plain and reached) and not is_there


def place(query: Query) -> tuple[Metric, Table, Measure]:
    """The metric, table and measure that answer the query: the metric's first table that has its dimensions.

    Raises:
        NotAnswerable: there is none.
    """
    metric = METRICS[query.metric]
    if query.per is not None:
        metric, table, measure = place(replace(query, per=None))
        place(replace(query, metric=query.per, per=None))
        return ratio_of(metric, METRICS[query.per]), table, measure
    names = [*query.by, *(one.dimension for one in query.filters)]
    while True:
        for table_name, measure in metric.sql.items():
            table = TABLES[table_name]
            reached = all(reaches(table, name) for name in names)
            is_dated = table.date is not None or not (query.period or any("{date}" in DIMENSIONS[n].sql for n in names))
            if reached and is_dated:
                return metric, table, measure
        if metric.otherwise is None:
            break
        metric = METRICS[metric.otherwise]
    what = " and ".join(DIMENSIONS[name].label for name in dict.fromkeys(names)) or "period"
    raise NotAnswerable(f"{METRICS[query.metric].label} cannot be shown by {what}")


def ratio_of(metric: Metric, per: Metric) -> Metric:
    """A metric per another one."""
    return replace(
        metric, name=f"{metric.name}_per_{per.name.removesuffix('s')}",
        label=f"{metric.label} per {per.label.removesuffix('s')}",
        unit="mean" if metric.unit == "count" else metric.unit, n_of=per.label, words=(), count=None, otherwise=None,
        sql={name: replace(one, per=one.per or "1") for name, one in metric.sql.items()},
    )  # fmt: skip


def dimensions_of(metric: str) -> list[str]:
    """Names of the dimensions that the metric can be broken down by."""
    found = []
    for name in DIMENSIONS:
        try:
            place(Query(metric, (name,)))
        except NotAnswerable:
            continue
        found.append(name)
    return found


def _aggregate(query: Query, metric: Metric, table: Table, measure: Measure, period: Period | None) -> exp.Select:
    """The metric in one period, by the breakdown."""
    keys = _keys(query, table)
    is_by_user = query.is_share and metric.name in COUNTED_ONCE
    if query.is_share and is_over_time(query) and not (query.of_each and is_by_user):
        return share_over_time(query, table, measure, keys, period)
    if metric.unit == "share" or is_by_user:
        return by_user(query, table, measure, keys, period)
    select = grouped([*keys, *values_of(measure)], len(keys), table, period, applied(query))
    if query.is_share:
        whole = rows_of([f"{measure.value} as value"], table, period, filters_of_whole(query))
        select = select.select(whole.subquery(copy=False).as_("total"), copy=False)
    return select


def values_of(measure: Measure) -> list[str]:
    """Columns of the value, what it rests on, and its currency."""
    value = measure.value if measure.per is None else f"({measure.value})::double / nullif({measure.per}, 0)"
    columns = [f"{value} as value", f"{measure.n or measure.per or measure.value} as n"]
    return [*columns, *([f"{measure.extra} as currency"] if measure.extra else [])]


def _keys(query: Query, table: Table) -> list[str]:
    """Columns of the breakdown; against the rest, the filter's values are one group and all others another."""
    keys = {name: expression_of(DIMENSIONS[name], table) for name in query.by}
    if "one_order" in keys and not query.counts_groups:  # by its number, which people know
        keys["one_order"] = f"coalesce({table.alias}.transaction_id, {table.alias}.purchase_key)"
    if query.against_rest:
        ((name, key),) = keys.items()
        one = next(one for one in query.filters if one.dimension == name)
        label = exp.Literal.string(" or ".join(one.values)).sql(dialect=DIALECT, copy=False)
        among = among_values(one, table).sql(dialect=DIALECT, copy=False)
        keys[name] = f"case when {among} then {label} when {key} is not null then '{REST}' end"
    return [f"{key} as {name}" for name, key in keys.items()]


def _with_zeros(query: Query, found: exp.Select) -> exp.Select:
    """The rows that were found, and 0 for the other groups of sessions, or for the other days, weeks or months."""
    sessions, names = TABLES["sessions"], ", ".join(query.by)
    keys = [f"{expression_of(DIMENSIONS[name], sessions)} as {name}" for name in query.by]
    others = [column.alias_or_name for column in found.selects if column.alias_or_name not in (*query.by, "value", "n")]
    columns = ["case when n is null then 0 else value end as value", "coalesce(n, 0) as n"]
    for name in others:  # nothing is nothing in the only currency too
        one = f"min({name}) over () = max({name}) over ()"
        columns.append(f"case when n is null and {one} then max({name}) over () else {name} end as {name}")
    joined = f"select {names}, {', '.join(columns)} from every left join found using ({names})"
    select = parse_one(joined, dialect=DIALECT, into=exp.Select)
    every = grouped(keys, len(keys), sessions, query.period, query.filters)
    if is_by_time(query.by):
        first, last = (f"{end}(s.session_date)" for end in ("min", "max"))
        if query.period:
            first, last = (
                f"greatest({first}, date '{query.period.first}')",
                f"least({last}, date '{query.period.last}')",
            )
        columns = [f"{DIMENSIONS[name].sql.format(date='c.one_day')} as {name}" for name in query.by]
        days = f"select unnest(generate_series({first}, {last}, interval 1 day))::date as one_day from {sessions.sql}"
        calendar = f"select distinct {', '.join(columns)} from ({days}) as c"
        every = parse_one(calendar, dialect=DIALECT, into=exp.Select)
        for chosen in query.filters:
            if chosen.dimension in ("weekday", "weekend"):  # the other days are none that it is asked of
                is_among = among_values(chosen, replace(sessions, date="c.one_day"))
                every = every.where(is_among.not_() if chosen.is_excluded else is_among, copy=False)
    return select.with_("every", as_=every, copy=False).with_("found", as_=found, copy=False)
