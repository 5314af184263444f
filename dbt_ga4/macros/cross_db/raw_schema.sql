{#
    Columns of a raw event and their types on DuckDB: first the two from folder names, then the ingest schema
    (beha2vec_core/ga4/schema.py). A test compares them.
#}
{% macro ga4_raw_columns() %}
    {{ return({
        'property_id': 'varchar',
        'event_date': 'date',
        'event_timestamp': 'bigint',
        'event_name': 'varchar',
        'event_params': 'struct(key varchar, value struct(string_value varchar, int_value bigint, float_value double, double_value double))[]',
        'event_previous_timestamp': 'bigint',
        'event_value_in_usd': 'double',
        'event_bundle_sequence_id': 'bigint',
        'event_server_timestamp_offset': 'bigint',
        'user_id': 'varchar',
        'user_pseudo_id': 'varchar',
        'privacy_info': 'struct(analytics_storage varchar, ads_storage varchar, uses_transient_token varchar)',
        'user_properties': 'struct(key varchar, value struct(string_value varchar, int_value bigint, float_value double, double_value double, set_timestamp_micros bigint))[]',
        'user_first_touch_timestamp': 'bigint',
        'user_ltv': 'struct(revenue double, currency varchar)',
        'device': 'struct(category varchar, mobile_brand_name varchar, mobile_model_name varchar, mobile_marketing_name varchar, mobile_os_hardware_model varchar, operating_system varchar, operating_system_version varchar, vendor_id varchar, advertising_id varchar, language varchar, is_limited_ad_tracking varchar, time_zone_offset_seconds bigint, browser varchar, browser_version varchar, web_info struct(browser varchar, browser_version varchar, hostname varchar))',
        'geo': 'struct(city varchar, country varchar, continent varchar, region varchar, sub_continent varchar, metro varchar)',
        'app_info': 'struct(id varchar, version varchar, install_store varchar, firebase_app_id varchar, install_source varchar)',
        'traffic_source': 'struct(name varchar, medium varchar, source varchar)',
        'stream_id': 'varchar',
        'platform': 'varchar',
        'event_dimensions': 'struct(hostname varchar)',
        'ecommerce': 'struct(total_item_quantity bigint, purchase_revenue_in_usd double, purchase_revenue double, refund_value_in_usd double, refund_value double, shipping_value_in_usd double, shipping_value double, tax_value_in_usd double, tax_value double, unique_items bigint, transaction_id varchar)',
        'items': 'struct(item_id varchar, item_name varchar, item_brand varchar, item_variant varchar, item_category varchar, item_category2 varchar, item_category3 varchar, item_category4 varchar, item_category5 varchar, price_in_usd double, price double, quantity bigint, item_revenue_in_usd double, item_revenue double, item_refund_in_usd double, item_refund double, coupon varchar, affiliation varchar, location_id varchar, item_list_id varchar, item_list_name varchar, item_list_index varchar, promotion_id varchar, promotion_name varchar, creative_name varchar, creative_slot varchar, item_params struct(key varchar, value struct(string_value varchar, int_value bigint, float_value double, double_value double))[])[]',
        'collected_traffic_source': 'struct(manual_campaign_id varchar, manual_campaign_name varchar, manual_source varchar, manual_medium varchar, manual_term varchar, manual_content varchar, manual_source_platform varchar, manual_creative_format varchar, manual_marketing_tactic varchar, gclid varchar, dclid varchar, srsltid varchar)',
        'is_active_user': 'boolean',
        'batch_event_index': 'bigint',
        'batch_page_id': 'bigint',
        'batch_ordering_id': 'bigint',
        'session_traffic_source_last_click': 'struct(manual_campaign struct(campaign_id varchar, campaign_name varchar, source varchar, medium varchar, term varchar, content varchar, source_platform varchar, creative_format varchar, marketing_tactic varchar), google_ads_campaign struct(customer_id varchar, account_name varchar, campaign_id varchar, campaign_name varchar, ad_group_id varchar, ad_group_name varchar), cross_channel_campaign struct(campaign_id varchar, campaign_name varchar, source varchar, medium varchar, source_platform varchar, default_channel_group varchar, primary_channel_group varchar))',
        '_source_file': 'varchar',
        '_source_line': 'bigint',
        '_unknown_fields': 'varchar',
    }) }}
{% endmacro %}

{# The fields that define an event: not where it was read from, and not the name given to its property. #}
{% macro ga4_event_fields() %}
    {{ return(ga4_raw_columns() | reject('in', ['property_id', '_source_file', '_source_line']) | list) }}
{% endmacro %}
