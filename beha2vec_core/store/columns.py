"""What each column of our tables holds, in one place: Dagster's UI, the published database and the chat show it.

A name means the same in every table; where it does not, the table has its own words. (Columns of dbt's models are
described in ``dbt_ga4``.)
"""

from collections.abc import Mapping

import duckdb

from beha2vec_core.store.sql import quote
from beha2vec_core.store.warehouse import transaction

_ANYWHERE = {
    "user_key": "the user, from GA4's device and login ids by the identity model",
    "event_date": "the day, in the property's time zone",
    "property_id": "the GA4 property",
    "page_key": "a normalised page address",
    "model_version": "the encoder: hash of its config, data window, vocabulary and weights",
    "cluster_model_version": "the cluster model: hash of its centroids, keys and encoder",
    "cluster_key": "the cluster; the key keeps its meaning over time, see cluster_lineage; -1: too little evidence yet",
    # encoders and vectors
    "config": "the encoder's EncoderConfig, as JSON",
    "train_config": "its TrainConfig, as JSON",
    "data_window": "the days and users it learned from, as JSON",
    "training_curve": "losses and measures by step, as JSON",
    "trained_at": "when it was trained, UTC",
    "warm_start_from": "the encoder it started from (warm start); null: trained from scratch",
    "accepted_at": "when it was promoted, UTC; null: it was not",
    "refused": "why it was not promoted, or is not to be used again",
    "as_of": "the moment up to which events count, UTC",
    "n_events": "events of the user that the vector was made from",
    "low_evidence": "too few events for a reliable vector",
    "behavior": "vector of what the user does, for clusters and propensity",
    "identity": "vector that is closest to other stretches of the same user, for look-alikes",
    "sequence_hash": "hash of the sequence behind the vector: a change means a new vector",
    # the evaluation of encoders
    "data_until": "the end of the data it was evaluated on, UTC",
    "method": "the method: our encoder, or what it is compared with",
    "task": "the evaluation task",
    "metric": "what is measured",
    "n": "users, events or pages the value was measured on",
    "judged": "users held out of training, who were evaluated",
    "evaluated_at": "when it was evaluated, UTC",
    "less_best_floor": "the value minus that of the best baseline",
    "low": "lower end of the interval of that difference",
    "high": "upper end of the interval of that difference",
    "champion": "the encoder in use that it was compared with",
    "less_champion": "the value minus the champion's",
    "champion_low": "lower end of the interval of that difference",
    "champion_high": "upper end of the interval of that difference",
    # sequences
    "event_timestamp": "microseconds since 1970, UTC",
    "event_name": "GA4's event name",
    "page": "page_key of each event, oldest first",
    # clusters
    "k": "the number of clusters, without the users with too few events",
    "curve": "stability, silhouette, sizes and separation of an outcome, by number of clusters, as JSON",
    "fitted_at": "when it was fitted, UTC",
    "promoted_at": "when readers were switched to it, UTC; null: never",
    "distance": "from the user to the center of their cluster, 0 to 2; null in cluster -1",
    "margin": "distance to the second nearest center less that to the nearest: near 0, the user stands between two; "
    "null in cluster -1",
    "likely_cluster": "of a user in cluster -1: the cluster they most likely belong to once they have enough events; "
    "-1: none is likely enough; null in other clusters",
    "probability": "of the most likely cluster, of a user in cluster -1; null in other clusters",
    "role": "typical: nearest to the center, the first is the medoid; edge: with the smallest margin",
    "rank": "1 is the most typical, or the nearest to the edge",
    "map_x": "place on the map of users, without a unit: near means similar; it stays while the cluster model does",
    "map_y": "place on the map of users, without a unit",
    "before_version": "the cluster model before it",
    "change": "what became of the cluster: kept, split, born, merged or gone",
    "other_key": "the cluster it was split from, or merged into",
    "shared_users": "users in common with its earlier self, or with the other cluster",
    "from_cluster": "the cluster of the user's active day before; null: a new user",
    "to_cluster": "the cluster of the user's active day",
    # facts and insights
    "fact_id": "names the fact: c<cluster>.<what>[.<of what>]",
    "feature": "the page, theme, browser ... that the fact is about; null for plain numbers",
    "value": "the value measured",
    "population_value": "the same measured on all users, this cluster's included",
    "lift": "value over population value",
    "z": "standard errors between the cluster and all other users",
    "interval_low": "lower end of the 95% interval of value",
    "interval_high": "upper end of the 95% interval of value",
    "support": "users behind the value",
    "unit": "users, share (0 to 1), page views, sessions, seconds, days, steps; of money the currency's ISO 4217 code",
    "effect_size": "against all other users, signed: Cohen's h of a share, Cliff's delta of a number",
    "q_value": "Benjamini-Hochberg over all that was tested: keep those up to 0.05, and 5% of them are chance at most",
    "significant": "q_value is at most 0.05; null: not tested",
    "base": "users that value is measured on: of a share those who could, of a mean those with a number",
    "contributors": "users of the base whose part of value is not 0, fewer where some have much larger parts",
    # flows and paths
    "share": "users who did it among all who could",
    "from_step": "page type, or (entrance)",
    "to_step": "the page type viewed next in the session, or (exit)",
    "population_share": "the same share among the users of all clusters",
    "kind": "of the feature: page, page_type or event",
    "movers": "users who became buyers and had done it on a day before",
    "movers_share": "their share of all who became buyers and have a match",
    "matched_share": "share of the users like them who did not, weighted to the movers' strata",
    "name": "the cluster in up to four words",
    "summary": "what sets its users apart, and how sure that is",
    "persona": "a typical user",
    "evidence": "the facts behind the text, by fact_id",
    "actions": "next steps",
    "similarities": "what the clusters have in common; in the row that compares all",
    "key_differences": "how the clusters differ; in the row that compares all",
    "opportunities": "where to act first, and why; in the row that compares all",
    "draft": "the texts as JSON with {fact id} in place of each number",
    "differences": "what sets its users apart, each number with that of all users",
    "interpretation": "what a language model reads in the facts: its opinion, without numbers; null: none, or refused",
    "caveats": "confidence, and what the facts do not show",
    "written_by": "'template', or the model that wrote the text",
    "input_hash": "hash of the model's input: while it is the same, the answer is kept; null: not final",
    # pages
    "theme": "what the page is about, a label of the label file",
    "page_type": "what kind of page it is, a label of the label file",
    "theme_confidence": "how sure the theme is, 0 to 1",
    "page_type_confidence": "how sure the type is, 0 to 1",
    "theme_method": "what chose the theme: an override, a rule or a classifier",
    "page_type_method": "what chose the type: an override, a rule or a classifier",
    "theme_runner_up": "the second best theme",
    "page_type_runner_up": "the second best type",
    "review_rank": "order in which pages are best reviewed, from 1; null: no need",
    "classifier_version": "hash of rules, labels and settings that the row was made with",
    "content_hash": "hash of the page's text",
    "classified_at": "when it was classified, UTC",
    "theme_model_version": "the model that chose the theme",
    "page_type_model_version": "the model that chose the type",
    "theme_hash": "hash of what the theme was chosen from",
    "page_type_hash": "hash of what the type was chosen from",
    # ingestion
    "status": "of the day: ingested, kept (as it was), missing, unreadable or removed (by the retention)",
    "rows_in": "rows read",
    "accepted": "rows that became events",
    "forgotten": "rows of people who are forgotten, left out (docs/privacy.md)",
    "quarantined": "rows that could not be read, kept in raw.ga4_quarantine",
    "redacted": "values of the day's events from which something personal was removed",
    "privacy_rules": "version of the rules by which personal data was removed from the row",
    "files": "the files read",
    "problem": "what was wrong with the day",
    "ingested_at": "when it was read, UTC",
    "source_file": "the file of the row",
    "source_line": "its line there",
    "reason": "why it could not be read",
    "content": "the row as it was, without personal data, cut to size",
    "users": "users counted",
    # predictions
    "prediction_version": "the prediction model: hash of everything in it",
    "encoder_version": "the encoder of the vectors that predictions read; null: they read none",
    "fitted_as_of": "the date as of which it was fitted: it used nothing that was exported from then on",
    "targets": "what is predicted",
    "horizons": "days ahead",
    "methods": "how each target is modelled, for users with an earlier purchase and others, as JSON",
    "gains": "what each block of features adds, as JSON",
    "notes": "what could not be modelled, or has changed",
    "target": "what is predicted: purchase, return, or an event",
    "horizon": "days from as_of on",
    "decile": "tenth of the users by probability; 1: the highest",
    "reasons": "what raises the probability most, with its part of the log odds; of the first decile only",
    "tested_from": "the first date it was tested on",
    "tested_until": "the last date it was tested on",
    "predicted": "mean probability",
    "observed": "share of the users who did it",
    "positives": "users who did it",
    "gain": "share of all who did it, up to this decile",
    "revenue_gain": "share of the revenue, up to this decile",
    "expected": "number of users expected to do it",
    # the schema itself
    "version": "of the schema",
    "applied_at": "when the file got this version, UTC",
}
_OF_TABLE = {
    "beha2vec.cluster_insights": {"reason": "why the template wrote the text although a model was asked"},
    "beha2vec.schema_history": {"change": "what the version changed"},
    "beha2vec.cluster_transitions": {
        "users": "users who made the step",
        "share": "where the users of from_cluster were on their next active day, each weighing the same",
        "interval_low": "lower end of the 95% interval of share",
        "interval_high": "upper end of the 95% interval of share",
    },
    "beha2vec.cluster_paths": {
        "users": "users of the cluster who made the step",
        "share": "their share of the cluster's users",
        "lift": "share over population_share",
    },
    "beha2vec.buying_paths": {
        "feature": "what was viewed or done before the move; an association, not a cause",
        "lift": "movers_share over matched_share",
        "z": "Cochran-Mantel-Haenszel score over the strata, with correction for continuity",
        "support": "movers and matched users who had done it",
    },
    "beha2vec.cluster_models": {"users": "users it was fitted on"},
    "beha2vec.highlights": {
        "rank": "1 is the largest: the part of the site's orders (or sessions ...) that is surely at stake",
        "highlight_id": "names the finding; the same on another day if it is found again",
        "kind": "difference: a segment and all others; change: the last days and as many before",
        "metric": "of the semantic layer (docs/semantic.md)",
        "dimension": "of the semantic layer; null: the whole site",
        "segment": "the value of the dimension; null: the whole site",
        "first_day": "of the segment, or of the change's last days",
        "last_day": "the last of these days",
        "before_first_day": "the first of the days before, of a change",
        "before_last_day": "the last of the days before, of a change",
        "value": "the rate, or the total",
        "other_value": "the same of all others, or of the days before",
        "effect": "of rates value less other_value; of totals the relative change; null: there were none before",
        "interval_low": "lower end of the interval of effect, corrected for the search; null: no end",
        "interval_high": "upper end of the interval of effect, corrected for the search; null: no end",
        "n": "sessions (or orders ...) behind the value",
        "users": "users behind the value",
        "fewest_users": "users behind the smallest of the numbers compared; fewer where some count for more",
        "q_value": "Benjamini-Hochberg over all comparisons of the search",
        "headline": "the finding without numbers",
        "sentence": "its numbers",
    },
    "beha2vec.prediction_examples": {
        "as_of": "the date: events exported before it count",
        "weight": "how many users it stands for: of a large site a sample is drawn",
    },
    "beha2vec.prediction_vectors": {
        "as_of": "the date: events exported before it count",
        "behavior": "what the user did before the date: main components of the encoder's behavior vector",
    },
    "beha2vec.prediction_evaluation": {
        "method": "our model, or a simple rule that it is compared with",
        "value": "of the metric",
        "low": "lower end of the 95% interval of the value",
        "high": "upper end of the 95% interval of the value",
        "n": "users and dates it was measured on",
    },
    "beha2vec.prediction_curves": {"revenue": "revenue of the horizon"},
    "beha2vec.user_predictions": {
        "probability": "that the user does it within the horizon, calibrated",
        "as_of": "the date: events exported before it count, the horizon begins with it",
        "low": "lower end of the 90% interval of the user's own probability",
        "high": "upper end of the 90% interval of the user's own probability",
        "value": "expected revenue within the horizon, in the reporting currency; of purchases only",
        "method": "how the probability was made",
    },
    "beha2vec.audience_members": {
        "audience": "its name in the file of audiences",
        "state": "entered, stayed or left, compared with the last day that was written before",
        "step": "why the member is not contacted: consent, exclude, cap or holdout; null: they may be contacted",
        "why": "what the rule reads, with the user's values, on the day that found_on names",
        "found_on": "the day on which the rule found the members; earlier than event_date if refresh lets them wait",
    },
    "beha2vec.cluster_predictions": {
        "users": "users of the cluster with a prediction",
        "low": "lower end of the 95% interval of that number",
        "high": "upper end of the 95% interval of that number",
        "value": "expected revenue within the horizon, in the reporting currency; of purchases only",
    },
    "beha2vec.decile_predictions": {
        "users": "users of this tenth",
        "variance": "of the number of users who do it",
        "value": "expected revenue within the horizon, in the reporting currency; of purchases only",
    },
    "beha2vec.cluster_members": {"other_key": "the user's second best cluster"},
    "beha2vec.cluster_lineage": {"users": "users of the cluster; of one that is gone, its last users"},
}


def column_descriptions(table: str) -> dict[str, str]:
    """The description of each column that a table, or a view on it, may have, by name."""
    for suffix in ("_current", "_newest"):
        table = table.removesuffix(suffix)
    return _ANYWHERE | _OF_TABLE.get(table, _OF_TABLE.get(f"{table}s", {}))


def comment_columns(
    connection: duckdb.DuckDBPyConnection, database: str, others: Mapping[str, Mapping[str, str]]
) -> None:
    """Write descriptions into an attached database, where SQL tools show them: of our tables, and of ``others``.

    Args:
        others: tables of others, as schema.table: the description of each column.
    """
    columns = connection.execute(
        "select schema_name || '.' || table_name, column_name from duckdb_columns() where database_name = ?", [database]
    ).fetchall()
    with transaction(connection):  # one each would wait for the disk a thousand times
        for table, column in columns:
            described = others.get(table) or column_descriptions(table)
            if description := described.get(column):
                schema, name = table.split(".", 1)
                connection.execute(f'comment on column {database}.{schema}."{name}"."{column}" is {quote(description)}')
