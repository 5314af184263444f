"""The one query of what the encoder reads: the events that dbt orders and marks, with the labels of their pages."""

# one row an event; add where, order and limit
ENCODER_INPUT = """
    select
        events.* exclude (page_key),
        page_key as page,
        coalesce(pages.theme, 'unknown') as theme,
        coalesce(pages.page_type, 'unknown') as page_type
    from ga4.ml_ga4__sequence_events as events
    left join beha2vec.enriched_pages as pages using (page_key)
"""
# of a user's events, as `build_sequences` orders them
OLDEST_FIRST = "event_timestamp, event_index, event_name, page, session_key"
LATEST_FIRST = OLDEST_FIRST.replace(",", " desc,") + " desc"
