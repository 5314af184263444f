"""The list of all checks: what is looked at, how bad a failure is, whether it stops what follows, and what to do.

An ``error`` is wrong data, a ``warn`` something to look into. What blocks is what would harm readers if the graph went
on: vectors and clusters that no one should see. `docs/checks.md` has the same table.
"""

from beha2vec_core.quality import audiences, clusters, encoder, events, export, predictions
from beha2vec_core.quality.check import Check
from beha2vec_core.quality.tables import declared_checks

_MEASURED = (
    Check(
        "rows_are_accounted_for", "raw_ga4_events",
        "Partitions hold the rows that the ingest log accepted, and no row is lost.",
        export.rows_are_accounted_for, "error",
        "materialize raw_ga4_events again for these days",
    ),
    Check(
        "no_property_is_left_over", "raw_ga4_events",
        "Every property with partitions is still in the export.",
        export.no_property_is_left_over, "warn",
        "if the property was renamed, delete its folders in raw_ga4_events and rebuild the dbt models in full",
    ),
    Check(
        "no_day_is_missing", "raw_ga4_events",
        "No day of the run is missing, unreadable, or kept from an earlier export.",
        export.no_day_is_missing, "warn",
        "export these days again (docs/export.md) and materialize them, or accept the gap",
    ),
    Check(
        "exports_arrive_in_time", "raw_ga4_events",
        "Each day's export of the last week has arrived by the deadline, BEHA2VEC_EXPORT_DEADLINE_HOUR.",
        export.exports_arrive_in_time, "error",
        "check that GA4 still exports to BigQuery and the files are copied here, then materialize these days. If "
        "exports always arrive later, set BEHA2VEC_EXPORT_DEADLINE_HOUR",
    ),
    Check(
        "volume_is_as_usual", "raw_ga4_events",
        "Events and users of each day are in the usual range of the same weekday in the eight weeks before.",
        export.volume_is_as_usual, "warn",
        "compare the day in GA4: a campaign or holiday is fine; otherwise check tags, consent banner and export, and "
        "materialize the day again once it is complete",
    ),
    Check(
        "events_have_a_user", "ga4_quality__daily",
        "The share of events without a user is in the usual range of the four weeks before.",
        events.events_have_a_user, "warn",
        "check the consent banner and tags changed that day; consent_policy of dbt_ga4 sets whose events count",
    ),
    Check(
        "events_come_on_their_day", "ga4_quality__daily",
        "The share of events from before their export day is in the usual range of the four weeks before; none is from "
        "after it.",
        events.events_come_on_their_day, "warn",
        "set BEHA2VEC_TIMEZONE to the GA4 property's time zone (Admin, Property details): in one too far west events "
        "come from before their day, in one too far east from after it; where an app always sends late, materialize "
        "the days before again",
    ),
    Check(
        "tracking_is_whole", "ga4_quality__daily",
        "No day has fewer than half of its usual events beyond chance, or no page views or purchases.",
        events.tracking_is_whole, "warn",
        "compare these days in GA4: if they are low there too, check the tags and the consent banner; if not, export "
        "these days again and materialize them",
    ),
    Check(
        "most_views_have_a_theme", "enriched_pages",
        f"Views on pages of unknown theme stay below {events.MAX_UNKNOWN_SHARE:.0%}.",
        events.most_views_have_a_theme, "warn",
        "see pages_to_review in the asset's metadata, then add labels, rules or overrides (docs/pages.md)",
    ),
    Check(
        "most_views_have_a_page_type", "enriched_pages",
        f"Views on pages of unknown type stay below {events.MAX_UNKNOWN_SHARE:.0%}.",
        events.most_views_have_a_page_type, "warn",
        "see pages_to_review in the asset's metadata, then add labels, rules or overrides (docs/pages.md)",
    ),
    Check(
        "vectors_are_finite", "user_embeddings",
        "No vector of the run's days holds NaN, infinity or zeros only.",
        encoder.vectors_are_finite, "error",
        "return to the previous encoder (beha2vec rollback), or train another one (job train_encoder)",
        blocking=True,
    ),
    Check(
        "the_encoder_knows_the_pages", "user_embeddings",
        f"At most {encoder.MAX_UNKNOWN_PAGES:.0%} of the events are on pages unknown to the encoder, and at most "
        f"{encoder.MAX_UNKNOWN_EVENT_NAMES:.0%} of an unknown name.",
        encoder.the_encoder_knows_the_pages, "warn",
        "run `beha2vec materialize --job train_encoder` (with warm_start): it learns the new pages and event names",
    ),
    Check(
        "vectors_are_distributed_as_before", "user_embeddings",
        "The last day's user vectors show no drift from the same weekday in the four weeks before.",
        encoder.vectors_are_distributed_as_before, "warn",
        "check volume and unknown pages of the day first; if behavior has changed, "
        "run `beha2vec materialize --job train_encoder`",
    ),
    Check(
        "promoted_vectors_are_finite", "trained_encoder",
        "No vector of the encoder just promoted holds NaN, infinity or zeros only.",
        encoder.promoted_vectors_are_finite, "error",
        "return to the previous encoder: beha2vec rollback",
        blocking=True,
    ),
    Check(
        "unchanged_users_keep_their_vectors", "trained_encoder",
        "After a warm start, users without new events keep their vectors.",
        encoder.unchanged_users_keep_their_vectors, "warn",
        "reload vectors stored elsewhere; if users moved too far, run beha2vec rollback and train with a lower "
        "learning_rate or fewer epochs",
    ),
    Check(
        "no_cluster_swallows_the_rest", "user_clusters",
        f"No cluster holds more than {clusters.MAX_CLUSTER_SHARE:.0%} of the users active in the last four weeks.",
        clusters.no_cluster_swallows_the_rest, "warn",
        "run `beha2vec materialize --job rebuild_clusters`; if the large cluster stays, set a larger k (cluster_model)",
    ),
    Check(
        "every_cluster_has_users", "user_clusters",
        "Every cluster has users who were active in the last four weeks.",
        clusters.every_cluster_has_users, "warn",
        "run `beha2vec materialize --job rebuild_clusters`; continuing clusters keep their key",
    ),
    Check(
        "there_is_enough_to_learn", "prediction_candidate",
        "Every target of the newest prediction model has enough users with the outcome.",
        predictions.there_is_enough_to_learn, "warn",
        "wait for more history, or leave the target out (BEHA2VEC_PREDICTION_EVENTS); base rates are used until then",
    ),
    Check(
        "predictions_beat_simple_rules", "prediction_evaluation",
        "No target is certainly predicted better by recency, frequency and money alone.",
        predictions.predictions_beat_simple_rules, "warn",
        "see the asset's metadata; with more history the model is fitted on more dates",
    ),
    Check(
        "predictions_come_true", "user_predictions",
        f"On the last date with known outcomes, as many users did what was predicted as expected, within "
        f"{predictions.MAX_OFF:.0%} or what chance explains.",
        predictions.predictions_come_true, "warn",
        "run `beha2vec materialize --job train_predictions`: it learns from and calibrates on the newest weeks",
    ),
    Check(
        "scores_are_distributed_as_before", "user_predictions",
        "The probabilities of the last day have the distribution of a week before.",
        predictions.scores_are_distributed_as_before, "warn",
        "check volume and tracking of the day first; if behavior has changed, "
        "run `beha2vec materialize --job train_predictions`",
    ),
    Check(
        "audiences_can_be_used", "audience_members",
        "The file of audiences can be read, and every rule uses names and values that are there.",
        audiences.audiences_can_be_used, "warn",
        "correct the rule (`beha2vec audiences preview`); until then the members stay as they were",
    ),
)  # fmt: skip

CHECKS: tuple[Check, ...] = (*_MEASURED, *declared_checks())
