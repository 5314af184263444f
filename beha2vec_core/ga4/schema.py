"""The canonical schema of a raw GA4 event: one name and one type for every field of the BigQuery export.

Source: Google's "BigQuery Export schema" (support.google.com/analytics/answer/7029846), members that no public
page documents left out. Types are DuckDB's. ``event_date`` and ``property_id`` are not in the file: they are the
partition's folders (``property_id=.../event_date=YYYY-MM-DD``).
"""

from typing import Any

# A field's type is a DuckDB type name, a dict (STRUCT) or a one-element list (LIST).
FieldType = Any

_VALUE = {"string_value": "VARCHAR", "int_value": "BIGINT", "float_value": "DOUBLE", "double_value": "DOUBLE"}
_PARAMS = [{"key": "VARCHAR", "value": _VALUE}]

EVENT_SCHEMA: dict[str, FieldType] = {
    "event_timestamp": "BIGINT",
    "event_name": "VARCHAR",
    "event_params": _PARAMS,
    "event_previous_timestamp": "BIGINT",
    "event_value_in_usd": "DOUBLE",
    "event_bundle_sequence_id": "BIGINT",
    "event_server_timestamp_offset": "BIGINT",
    "user_id": "VARCHAR",
    "user_pseudo_id": "VARCHAR",
    "privacy_info": {"analytics_storage": "VARCHAR", "ads_storage": "VARCHAR", "uses_transient_token": "VARCHAR"},
    "user_properties": [{"key": "VARCHAR", "value": {**_VALUE, "set_timestamp_micros": "BIGINT"}}],
    "user_first_touch_timestamp": "BIGINT",
    "user_ltv": {"revenue": "DOUBLE", "currency": "VARCHAR"},
    "device": {
        "category": "VARCHAR",
        "mobile_brand_name": "VARCHAR",
        "mobile_model_name": "VARCHAR",
        "mobile_marketing_name": "VARCHAR",
        "mobile_os_hardware_model": "VARCHAR",
        "operating_system": "VARCHAR",
        "operating_system_version": "VARCHAR",
        "vendor_id": "VARCHAR",
        "advertising_id": "VARCHAR",
        "language": "VARCHAR",
        "is_limited_ad_tracking": "VARCHAR",
        "time_zone_offset_seconds": "BIGINT",
        "browser": "VARCHAR",
        "browser_version": "VARCHAR",
        "web_info": {"browser": "VARCHAR", "browser_version": "VARCHAR", "hostname": "VARCHAR"},
    },
    "geo": {
        "city": "VARCHAR",
        "country": "VARCHAR",
        "continent": "VARCHAR",
        "region": "VARCHAR",
        "sub_continent": "VARCHAR",
        "metro": "VARCHAR",
    },
    "app_info": {
        "id": "VARCHAR",
        "version": "VARCHAR",
        "install_store": "VARCHAR",
        "firebase_app_id": "VARCHAR",
        "install_source": "VARCHAR",
    },
    "traffic_source": {"name": "VARCHAR", "medium": "VARCHAR", "source": "VARCHAR"},
    "stream_id": "VARCHAR",
    "platform": "VARCHAR",
    "event_dimensions": {"hostname": "VARCHAR"},
    "ecommerce": {
        "total_item_quantity": "BIGINT",
        "purchase_revenue_in_usd": "DOUBLE",
        "purchase_revenue": "DOUBLE",
        "refund_value_in_usd": "DOUBLE",
        "refund_value": "DOUBLE",
        "shipping_value_in_usd": "DOUBLE",
        "shipping_value": "DOUBLE",
        "tax_value_in_usd": "DOUBLE",
        "tax_value": "DOUBLE",
        "unique_items": "BIGINT",
        "transaction_id": "VARCHAR",
    },
    "items": [
        {
            "item_id": "VARCHAR",
            "item_name": "VARCHAR",
            "item_brand": "VARCHAR",
            "item_variant": "VARCHAR",
            "item_category": "VARCHAR",
            "item_category2": "VARCHAR",
            "item_category3": "VARCHAR",
            "item_category4": "VARCHAR",
            "item_category5": "VARCHAR",
            "price_in_usd": "DOUBLE",
            "price": "DOUBLE",
            "quantity": "BIGINT",
            "item_revenue_in_usd": "DOUBLE",
            "item_revenue": "DOUBLE",
            "item_refund_in_usd": "DOUBLE",
            "item_refund": "DOUBLE",
            "coupon": "VARCHAR",
            "affiliation": "VARCHAR",
            "location_id": "VARCHAR",
            "item_list_id": "VARCHAR",
            "item_list_name": "VARCHAR",
            "item_list_index": "VARCHAR",
            "promotion_id": "VARCHAR",
            "promotion_name": "VARCHAR",
            "creative_name": "VARCHAR",
            "creative_slot": "VARCHAR",
            "item_params": _PARAMS,
        }
    ],
    "collected_traffic_source": {
        "manual_campaign_id": "VARCHAR",
        "manual_campaign_name": "VARCHAR",
        "manual_source": "VARCHAR",
        "manual_medium": "VARCHAR",
        "manual_term": "VARCHAR",
        "manual_content": "VARCHAR",
        "manual_source_platform": "VARCHAR",
        "manual_creative_format": "VARCHAR",
        "manual_marketing_tactic": "VARCHAR",
        "gclid": "VARCHAR",
        "dclid": "VARCHAR",
        "srsltid": "VARCHAR",
    },
    "is_active_user": "BOOLEAN",
    "batch_event_index": "BIGINT",
    "batch_page_id": "BIGINT",
    "batch_ordering_id": "BIGINT",
    "session_traffic_source_last_click": {
        "manual_campaign": {
            "campaign_id": "VARCHAR",
            "campaign_name": "VARCHAR",
            "source": "VARCHAR",
            "medium": "VARCHAR",
            "term": "VARCHAR",
            "content": "VARCHAR",
            "source_platform": "VARCHAR",
            "creative_format": "VARCHAR",
            "marketing_tactic": "VARCHAR",
        },
        "google_ads_campaign": {
            "customer_id": "VARCHAR",
            "account_name": "VARCHAR",
            "campaign_id": "VARCHAR",
            "campaign_name": "VARCHAR",
            "ad_group_id": "VARCHAR",
            "ad_group_name": "VARCHAR",
        },
        "cross_channel_campaign": {
            "campaign_id": "VARCHAR",
            "campaign_name": "VARCHAR",
            "source": "VARCHAR",
            "medium": "VARCHAR",
            "source_platform": "VARCHAR",
            "default_channel_group": "VARCHAR",
            "primary_channel_group": "VARCHAR",
        },
    },
}

# Columns of ours that say where a raw event came from. They are never part of an event's identity.
PROVENANCE_SCHEMA: dict[str, FieldType] = {
    "_source_file": "VARCHAR",
    "_source_line": "BIGINT",
    # fields of the export that this schema does not know, as a JSON object of path -> value
    "_unknown_fields": "VARCHAR",
}

# A row without one of these cannot be placed. (user_pseudo_id may be null: GA4 sends it so when consent is denied.)
REQUIRED_FIELDS = ("event_date", "event_timestamp", "event_name")

# Event parameters that flattened CSV exports carry as columns, with the member of `value` that GA4 puts them in.
EVENT_PARAM_COLUMNS: dict[str, str] = {
    "ga_session_id": "int_value",
    "ga_session_number": "int_value",
    "page_location": "string_value",
    "page_title": "string_value",
    "page_referrer": "string_value",
    "engagement_time_msec": "int_value",
    "session_engaged": "string_value",
    "engaged_session_event": "int_value",
    "entrances": "int_value",
    "percent_scrolled": "int_value",
    "source": "string_value",
    "medium": "string_value",
    "campaign": "string_value",
    "term": "string_value",
    "content": "string_value",
    "gclid": "string_value",
    "dclid": "string_value",
    "search_term": "string_value",
    "link_url": "string_value",
    "link_domain": "string_value",
    "outbound": "string_value",
    "firebase_screen": "string_value",
    "firebase_screen_class": "string_value",
    "firebase_screen_id": "int_value",
    "firebase_previous_screen": "string_value",
    "firebase_previous_class": "string_value",
    "firebase_previous_id": "int_value",
    "screen_name": "string_value",
    "currency": "string_value",
    "value": "double_value",
    "transaction_id": "string_value",
    "ignore_referrer": "string_value",
    "debug_mode": "int_value",
}


def duckdb_type(field: FieldType) -> str:
    """DuckDB's spelling of a field type, e.g. ``STRUCT(source VARCHAR)[]``."""
    if isinstance(field, dict):
        return "STRUCT(" + ", ".join(f'"{name}" {duckdb_type(member)}' for name, member in field.items()) + ")"
    if isinstance(field, list):
        return duckdb_type(field[0]) + "[]"
    return str(field)
