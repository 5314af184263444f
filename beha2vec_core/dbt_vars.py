"""What Python has to know of dbt_ga4's vars, by their names; a test compares each with dbt_project.yml."""

LATE_EVENT_DAYS = 3
SESSION_TIMEOUT_MINUTES = 30
FEATURE_WEEKS = 20
LOOKBACK_DAYS = 90
PAGE_VIEW_EVENTS = ("page_view", "screen_view")
PURCHASE_EVENTS = ("purchase", "in_app_purchase", "ecommerce_purchase")
SEQUENCE_EXCLUDED_EVENTS = ("session_start", "first_visit", "first_open", "user_engagement")
