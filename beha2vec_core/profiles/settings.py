"""What profiles read, and how they are made."""

from dataclasses import dataclass

from beha2vec_core.predictions.horizons import HORIZONS


@dataclass(frozen=True)
class ProfileSources:
    """Names of the relations to read (tables, views or registered frames); columns as in the dbt models.

    What an export may lack (items, the steps of a shop, engagement time) is an empty relation or a null there, and its
    facts are left out.
    """

    users_in_clusters: str = "users_in_clusters"  # user_key, cluster_key; one row a user
    history: str = "cluster_history"  # user_key, event_date, cluster_key; one row a user and active day
    users: str = "dim_ga4__users"
    sessions: str = "fct_ga4__sessions"
    page_views: str = "fct_ga4__page_views"
    pages: str = "enriched_pages"
    events: str = "ml_ga4__sequence_events"
    event_items: str = "stg_ga4__event_items"
    identities: str = "int_ga4__identity_map"
    funnel_sessions: str = "fct_ga4__funnel_sessions"
    purchases: str = "fct_ga4__purchases"
    # cluster_key, from_step, to_step, users: see `paths.steps_of`; "": counted from page_views
    steps: str = ""
    properties: str = "dim_ga4__properties"
    # user_key, target, horizon, is_tested, probability: of each target one horizon; None: there are none
    predictions: str | None = None


# where they are in the warehouse, and in its published copy
WAREHOUSE = ProfileSources(
    users_in_clusters="beha2vec.user_clusters_current",
    history="beha2vec.cluster_history",
    users="ga4.dim_ga4__users",
    sessions="ga4.fct_ga4__sessions",
    page_views="ga4.fct_ga4__page_views",
    pages="beha2vec.enriched_pages",
    events="ga4.ml_ga4__sequence_events",
    event_items="ga4.stg_ga4__event_items",
    identities="ga4.int_ga4__identity_map",
    funnel_sessions="ga4.fct_ga4__funnel_sessions",
    purchases="(from ga4.fct_ga4__purchases where not is_refund_without_purchase)",
    properties="ga4.dim_ga4__properties",
    predictions=f"""(from beha2vec.user_predictions_current
        join (from {HORIZONS} where is_shown) using (target, horizon))""",
)


@dataclass(frozen=True)
class ProfileSettings:
    """How profiles are made."""

    min_support: int = 10  # a feature of fewer users of the whole population is no fact
    top_features: int = 10  # see `facts.most_telling`
    prior_users: float = 50.0  # strength of the prior of z, in users
    confidence: float = 0.95  # of the intervals
    false_discovery_rate: float = 0.05  # a fact is significant where its q_value is at most this
    with_single_features: bool = True  # facts of each page, item, event and step that users had at least once
    period_days: int = 7  # of churn, return, inflow and outflow
    flow_days: int = 90  # how far back `flows.cluster_transitions` looks
    min_movers: int = 30  # with fewer matched movers there are no buying paths
