"""How far ahead each target is predicted, which of it was tested, and which horizon is shown by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import duckdb

# target, horizon, is_tested (by the model in use), is_shown: of each target the longest one that was tested
HORIZONS = """(
    select target, horizon, tested.target is not null as is_tested,
        row_number() over (partition by target order by is_tested desc, horizon desc) = 1 as is_shown
    from (select distinct target, horizon from beha2vec.user_predictions_current) as scored
    left join (
        select distinct target, horizon from beha2vec.prediction_evaluation
        semi join beha2vec.prediction_model_current using (prediction_version)) as tested using (target, horizon))"""

_TIMES = {7: "week", 14: "two weeks", 28: "four weeks"}


class Horizons(NamedTuple):
    """The horizons (days) of a target: all, ascending; those that were tested; and the one that is shown."""

    days: list[int]
    tested: list[int]
    shown: int

    def nearest(self, days: int | None) -> int:
        """The horizon that is nearest to a number of days; None: the one that is shown."""
        return self.shown if days is None else min(self.days, key=lambda one: abs(one - days))

    def note(self, days: int) -> str:
        """What to say wherever a number of a horizon is shown; "" where it was tested."""
        if days in self.tested:
            return ""
        return (
            f"Predictions for {days} days were not tested: the history is too short, or no user did it. Treat them "
            "with care."
        )


def read_horizons(connection: duckdb.DuckDBPyConnection) -> dict[str, Horizons]:
    """The horizons of each target that has scores, purchase and return first."""
    rows = connection.execute(
        f"""select target, list(horizon order by horizon),
            coalesce(list(horizon order by horizon) filter (is_tested), []), any_value(horizon) filter (is_shown)
        from {HORIZONS} group by target order by target <> 'purchase', target <> 'return', target"""
    ).fetchall()
    return {target: Horizons(days, tested, shown) for target, days, tested, shown in rows}


def in_the_next(days: int, *, is_tested: bool) -> str:
    """In words, and whether this was tested: in the next two weeks."""
    return f"in the next {_TIMES.get(days, f'{days} days')}{'' if is_tested else ' (not tested)'}"
