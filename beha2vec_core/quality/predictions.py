"""Checks of predictions: whether they come true, whether scores move, and whether there is enough to learn from."""

import json
import math
from datetime import timedelta

from beha2vec_core.predictions.gate import worse_than
from beha2vec_core.predictions.store import evaluation_rows, newest_version
from beha2vec_core.predictions.targets import HORIZONS
from beha2vec_core.predictions.wording import together
from beha2vec_core.quality.check import CheckOutcome, Look
from beha2vec_core.quality.drift import LEAST_USERS, MAX_STABILITY_INDEX
from beha2vec_core.quality.statistics import stability_by_chance, stability_index

# observed over expected may be this far from 1, and further only by chance (99%)
MAX_OFF = 0.2
_CERTAIN = 2.58
# of each day the scores of the model fitted last: the one in use may be too new to have come true
_SCORES = """(
    select * from beha2vec.user_predictions join (
        select event_date, prediction_version from beha2vec.user_predictions
        join beha2vec.prediction_models using (prediction_version) group by event_date, prediction_version
        qualify row_number() over (partition by event_date order by max(fitted_at) desc) = 1
    ) using (event_date, prediction_version)) as scores"""


def predictions_come_true(look: Look) -> CheckOutcome:
    """Warn where certainly more or fewer users did something than was predicted, on the last date that has matured."""
    happened = " ".join(
        f"""when {days} then case target when 'return' then will_return_{days}d
            when 'purchase' then will_purchase_{days}d
            else list_contains(string_split(next_actions_{days}d, ','), target) end"""
        for days in HORIZONS
    )
    known = ", ".join(f"count(will_return_{days}d) > 0" for days in HORIZONS)
    with look.connect("predictions_come_true") as connection:
        rows = connection.execute(
            f"""with matured as (
                select as_of, unnest({list(HORIZONS)}) as horizon, unnest([{known}]) as is_known
                from ga4.ml_ga4__user_features where as_of <= ? group by as_of
            ), last_dates as (
                select target, horizon, max(as_of) as as_of from beha2vec.user_predictions
                join matured using (as_of, horizon) where is_known group by all
            ), outcomes as (
                select as_of, target, horizon, probability, sampling_weight as w,
                    case horizon {happened} end as happened
                from {_SCORES} join ga4.ml_ga4__user_features using (as_of, property_id, user_key)
                semi join last_dates using (target, horizon, as_of))
            select target, horizon, as_of, sum(w), coalesce(sum(w) filter (happened), 0), sum(w * probability),
                sum(w * probability * (1 - probability) + w * (w - 1) * pow(happened::int - probability, 2))
            from outcomes where happened is not null group by target, horizon, as_of order by 1, 2""",
            [look.last + timedelta(days=1)],
        ).fetchall()
    figures, messages = {}, []
    for target, days, as_of, users, seen, expected, variance in rows:
        figures[f"{target}_{days}d_observed_over_expected"] = round(seen / max(expected, 1e-9), 3)
        off = seen - expected
        if abs(off) > _CERTAIN * math.sqrt(variance) and abs(off) > MAX_OFF * expected:
            messages.append(
                f"{target} within {days} days of {as_of}: {seen:,} of {users:,} users, {expected:,.0f} expected"
            )
    return CheckOutcome(not messages, figures, "; ".join(messages))


def predictions_beat_simple_rules(look: Look) -> CheckOutcome:
    """Warn where recency, frequency and money alone would certainly predict better than the newest model."""
    with look.connect("predictions_beat_simple_rules") as connection:
        version = newest_version(connection)
        rows = evaluation_rows(connection, version) if version else []
    worse = worse_than(rows, "rfm", "recency, frequency and money alone", 0.0)
    return CheckOutcome(not worse, {"worse": len(worse)}, "; ".join(worse))


def scores_are_distributed_as_before(look: Look) -> CheckOutcome:
    """Warn where tonight's probabilities have another distribution than a week before (population stability index)."""
    with look.connect("scores_are_distributed_as_before") as connection:
        samples = {
            day: connection.execute(
                f"""select target, probability from {_SCORES}
                where event_date = ? qualify horizon = max(horizon) over (partition by target)""",
                [day],
            ).df()
            for day in (look.last, look.last - timedelta(days=7))
        }
    now, before = samples.values()
    figures, messages = {}, []
    for target in sorted(set(now["target"]) & set(before["target"])):
        new, old = (part.loc[part["target"] == target, "probability"].to_numpy() for part in (now, before))
        if min(len(new), len(old)) < LEAST_USERS:
            continue
        index = stability_index(old, new)
        figures[f"{target}_stability_index"] = round(index, 3)
        if index > max(MAX_STABILITY_INDEX, stability_by_chance(len(old), len(new))):
            messages.append(f"the probabilities of {target} have moved (stability index {index:.2f})")
    return CheckOutcome(not messages, figures, "; ".join(messages))


def there_is_enough_to_learn(look: Look) -> CheckOutcome:
    """Warn where a target of the newest model has too few users with the outcome, or cannot be predicted at all."""
    with look.connect("there_is_enough_to_learn") as connection:
        found = connection.execute("select methods, notes from beha2vec.prediction_model_newest").fetchall()
    if not found:
        return CheckOutcome(True, {}, "")
    ((methods, notes),) = found
    few = [name for name, parts in json.loads(methods).items() if any("too few" in how for how in parts.values())]
    missing = [note for note in notes if " is not predicted" in note]
    too_few = f"Too few users to model {', '.join(few)}: base rates are used." if few else ""
    message = " ".join(filter(None, (together(missing), too_few)))
    return CheckOutcome(not message, {"targets_with_base_rates": len(few), "targets_missing": len(missing)}, message)
