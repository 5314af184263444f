"""Checks of what the dbt models made of the events: whose they are, how late they came, which pages they name."""

from dataclasses import dataclass
from functools import partial

from beha2vec_core.quality.check import CheckOutcome, Look

_USUAL_DAYS = 28
_LEAST_USUAL_DAYS = 7
MAX_UNKNOWN_SHARE = 0.3


@dataclass(frozen=True)
class _Share:
    """A share of a day's events, judged by its usual value; by ``at_most`` while too few days show what is usual.

    A site that asks for consent has a third of its events without a user, every day: what is worth a warning is a jump.
    Without a ``rise`` nothing above ``at_most`` is usual.
    """

    name: str
    what: str
    sql: str
    rise: float | None
    at_most: float


# a jump of ten points in users who cannot be identified is a consent banner or a tag that changed
_NULL_IDS = _Share("null_id_share", "without a user", "null_id_share", rise=0.10, at_most=0.30)
# late events change days that were already made; GA4 itself has about one in a hundred
_LATE = _Share("late_share", "from before the day", "late_events / events", rise=0.05, at_most=0.10)
# in the property's time zone no event is of a day after its export's, however long it has been so
_EARLY = _Share("early_share", "from after the day", "coalesce(early_events, 0) / events", rise=None, at_most=0.01)


def _share_is_as_usual(look: Look, share: _Share) -> CheckOutcome:
    with look.connect(share.name) as connection:
        days = connection.execute(
            f"""with daily as (
                select property_id, event_date, {share.sql} as share from ga4.ga4_quality__daily
                where events > 0 and event_date between $first::date - {_USUAL_DAYS} and $last::date)
            select day.property_id, day.event_date::varchar, day.share,
                median(before.share) filter (before.share is not null), count(before.share)
            from daily as day left join daily as before
                on before.property_id = day.property_id
                and before.event_date between day.event_date - {_USUAL_DAYS} and day.event_date - 1
            where day.event_date >= $first::date
            group by all order by all""",
            {"first": look.first, "last": look.last},
        ).fetchall()
    wrong, largest = [], 0.0
    for property_id, day, value, usual, known in days:
        limit = share.at_most if share.rise is None or known < _LEAST_USUAL_DAYS else usual + share.rise
        largest = max(largest, value)
        if value > limit:
            wrong.append(
                f"{day} ({property_id}): {value:.1%} of the events are {share.what}, expected at most {limit:.1%}"
            )
    return CheckOutcome(not wrong, {share.name: largest, "days": len(days), "wrong": wrong[:20]}, "; ".join(wrong[:3]))


events_have_a_user = partial(_share_is_as_usual, share=_NULL_IDS)


def events_come_on_their_day(look: Look) -> CheckOutcome:
    """Warn of unusually many events from before their export day, and of any number from after it."""
    found = [_share_is_as_usual(look, share) for share in (_LATE, _EARLY)]
    wrong = [one for outcome in found for one in outcome.figures["wrong"]]
    figures = {**found[0].figures, **found[1].figures, "wrong": wrong}
    return CheckOutcome(not wrong, figures, "; ".join(outcome.message for outcome in found if outcome.message))


def tracking_is_whole(look: Look) -> CheckOutcome:
    """Warn of days with a tracking break, as dbt's table of daily quality defines it."""
    with look.connect("tracking_is_whole") as connection:
        days = connection.execute(
            """select property_id, event_date::varchar, tracking_break_reason, events, usual_events
            from ga4.ga4_quality__daily
            where is_tracking_break and event_date between $first::date and $last::date order by event_date, 1""",
            {"first": look.first, "last": look.last},
        ).fetchall()
    broken = [
        f"{day} ({property_id}): {reason} ({events:,} events, usually {usual:,.0f})"
        for property_id, day, reason, events, usual in days
    ]
    return CheckOutcome(not broken, {"breaks": len(broken), "days": broken[:20]}, "; ".join(broken[:3]))


def _most_views_have(look: Look, kind: str) -> CheckOutcome:
    with look.connect(f"most_views_have_a_{kind}") as connection:
        ((share,),) = connection.execute(
            f"""select coalesce(sum(page_views) filter ({kind} = 'unknown') / sum(page_views), 0)
            from beha2vec.enriched_pages join ga4.dim_ga4__pages using (page_key)"""
        ).fetchall()
    message = f"{share:.0%} of the page views are on pages of unknown {kind.replace('_', ' ')}"
    passed = share <= MAX_UNKNOWN_SHARE
    return CheckOutcome(passed, {"unknown_share": float(share)}, "" if passed else message)


most_views_have_a_theme = partial(_most_views_have, kind="theme")
most_views_have_a_page_type = partial(_most_views_have, kind="page_type")
