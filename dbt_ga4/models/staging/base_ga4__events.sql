{{ ga4_incremental(column='event_date', days_before=0, days_after=0, cluster_by=['event_name']) }}

{% set parameters = [
    'ga_session_id', 'ga_session_number', 'session_engaged', 'engagement_time_msec',
    'page_location', 'page_referrer', 'page_title', 'firebase_screen', 'screen_name', 'firebase_screen_class',
    'source', 'medium', 'campaign', 'gclid', 'ignore_referrer', 'transaction_id', 'currency', 'value', 'synthetic_bundle',
] -%}
{% set custom_event_params = custom_params('custom_event_params') -%}
{% set last_click = 'session_traffic_source_last_click' -%}
{% set traffic_sources = {
    'cross_channel_source': last_click ~ '.cross_channel_campaign.source',
    'cross_channel_medium': last_click ~ '.cross_channel_campaign.medium',
    'cross_channel_campaign': last_click ~ '.cross_channel_campaign.campaign_name',
    'cross_channel_group': last_click ~ '.cross_channel_campaign.default_channel_group',
    'google_ads_campaign': last_click ~ '.google_ads_campaign.campaign_name',
    'manual_source': last_click ~ '.manual_campaign.source',
    'manual_medium': last_click ~ '.manual_campaign.medium',
    'manual_campaign': last_click ~ '.manual_campaign.campaign_name',
    'collected_source': 'collected_traffic_source.manual_source',
    'collected_medium': 'collected_traffic_source.manual_medium',
    'collected_campaign': 'collected_traffic_source.manual_campaign_name',
    'param_source': 'param_source',
    'param_medium': 'param_medium',
    'param_campaign': 'param_campaign',
    'user_source': 'traffic_source.source',
    'user_medium': 'traffic_source.medium',
    'user_campaign': 'traffic_source.name',
} -%}
{% set screen_names = [known('firebase_screen'), known('screen_name'), known('firebase_screen_class')] -%}
{% set is_google_ads -%}
    coalesce(
        {%- for member in ['customer_id', 'account_name', 'campaign_id', 'campaign_name', 'ad_group_id', 'ad_group_name'] %}
        {{ known(last_click ~ '.google_ads_campaign.' ~ member) }}{{ ',' if not loop.last }}
        {%- endfor %}
    ) is not null
{%- endset %}
{% set identity = ['property_id', 'event_date', 'event_timestamp', 'event_hash'] -%}

with raw_events as (

    select
        *,
        {%- for parameter in parameters %}
        {{ param_of('event_params', parameter) }} as param_{{ parameter }},
        {%- endfor %}
        {%- for param in custom_event_params %}
        {{ param_of('event_params', param.name) }} as custom_{{ param.column }},
        {%- endfor %}
        {{ row_hash(ga4_event_fields()) }} as event_hash
    from {{ ga4_raw_events(source('ga4', 'raw_ga4_events')) }} as raw_events
    where {{ ga4_in_window() }}
        {%- if not var('include_intraday') %}
        and table_kind <> 'intraday'
        {%- endif %}

),

-- Flat, typed columns. They are read several times below, so they are kept here, half as wide as the raw events.
flat_events as {{ materialized() }} (

    select
        property_id,
        event_date,
        event_timestamp,
        event_hash,
        table_kind,
        event_name,
        user_pseudo_id,
        user_id,
        privacy_info.analytics_storage,
        privacy_info.uses_transient_token,
        privacy_info.ads_storage,
        device.is_limited_ad_tracking,
        {{ param_of('user_properties', 'non_personalized_ads') }} as non_personalized_ads,
        platform,
        stream_id,
        batch_page_id,
        batch_ordering_id,
        batch_event_index,

        coalesce({{ whole_number('param_ga_session_id') }}, {{ session_id_of_cookie('param_ga_session_id') }}) as ga_session_id,
        {{ whole_number('param_ga_session_number') }} as ga_session_number,
        {{ whole_number('param_session_engaged') }} as session_engaged,
        {{ whole_number('param_engagement_time_msec') }} as engagement_time_msec,

        param_page_location as page_location,
        param_page_referrer as page_referrer,
        param_page_title as page_title,
        param_firebase_screen as firebase_screen,
        param_screen_name as screen_name,
        param_firebase_screen_class as firebase_screen_class,
        coalesce(device.web_info.hostname, event_dimensions.hostname) as device_hostname,

        {%- for column, value in traffic_sources.items() %}
        {{ without_personal_data(known(value)) }} as {{ column }},
        {%- endfor %}
        -- a click on Google Ads is recognized by any field of its record, which has neither source nor medium
        case when {{ is_google_ads }} then 'google' end as google_ads_source,
        case when {{ is_google_ads }} then 'cpc' end as google_ads_medium,
        {% for origin in ['cross_channel', 'manual', 'collected', 'param', 'user'] -%}
        {{ is_placeholder(traffic_sources[origin ~ '_source']) }}{{ ' or ' if not loop.last }}
        {%- endfor %} as is_source_hidden,
        {% for part in ['source', 'medium', 'campaign'] -%}
        {{ is_placeholder(traffic_sources['user_' ~ part]) }}{{ ' or ' if not loop.last }}
        {%- endfor %} as is_user_source_hidden,
        coalesce(lower(param_ignore_referrer) in ('true', '1'), false) as is_referrer_ignored,
        case
            when collected_traffic_source.gclid <> '' or param_gclid <> '' then 'gclid'
            when collected_traffic_source.dclid <> '' then 'dclid'
            when collected_traffic_source.srsltid <> '' then 'srsltid'
        end as collected_click_id,

        device.category as device_category,
        coalesce(device.web_info.browser, device.browser) as browser,
        device.operating_system,
        geo.country,

        is_active_user,
        coalesce(ecommerce.transaction_id, param_transaction_id) as transaction_id,
        {{ currency_code('param_currency') }} as reported_currency,
        case
            when {{ is_purchase_event('event_name') }} then coalesce(ecommerce.purchase_revenue, {{ number('param_value') }})
        end as purchase_revenue,
        case
            when {{ is_purchase_event('event_name') }} then coalesce(ecommerce.purchase_revenue_in_usd, event_value_in_usd)
        end as purchase_revenue_in_usd,
        case when event_name = 'refund' then coalesce(ecommerce.refund_value, {{ number('param_value') }}) end as refund_value,
        case when event_name = 'refund' then coalesce(ecommerce.refund_value_in_usd, event_value_in_usd) end as refund_value_in_usd,
        ecommerce.tax_value,
        ecommerce.tax_value_in_usd,
        ecommerce.shipping_value,
        ecommerce.shipping_value_in_usd,
        {%- for param in custom_event_params %}
        {{ custom_param('custom_' ~ param.column, param.type) }} as param_{{ param.column }},
        {%- endfor %}
        items,
        user_properties
    from raw_events
    -- synthetic bundles that the export adds, without any user action
    where coalesce({{ whole_number('param_synthetic_bundle') }}, 0) = 0

),

{{ distinct_events('flat_events', identity) }},

-- Many events share an address: each address is parsed once.
addresses as (

    select
        address,
        {{ url_page('trim(address)') }} as page
    from {{ addresses_of('flat_events') }} as locations
    where {{ known('address') }} is not null

),

click_ids as (

    select
        addresses.address,
        {{ first_by('click_ids.click_id', 'click_ids.priority', 'true') }} as click_id
    from addresses
    inner join {{ ref('ga4_click_ids') }} as click_ids
        on strpos('&' || lower({{ url_query('addresses.address') }}) || '&', '&' || click_ids.click_id || '=') > 0
        and strpos('&' || lower({{ url_query('addresses.address') }}) || '&', '&' || click_ids.click_id || '=&') = 0
    group by addresses.address

),

templated as (

    {{ addresses_with_kept_ids('addresses') }}

),

cleaned as (

    select
        addresses.address,
        {{ cleaned_url('trim(addresses.address)', 'templated.address is not null') }} as url,
        click_ids.click_id,
        {{ known(query_parameter('addresses.address', 'utm_source')) }} as utm_source,
        {{ known(query_parameter('addresses.address', 'utm_medium')) }} as utm_medium,
        {{ known(query_parameter('addresses.address', 'utm_campaign')) }} as utm_campaign
    from addresses
    left join click_ids on addresses.address = click_ids.address
    left join templated on addresses.address = templated.address

),

-- Placeholders become null; on engines without ingest personal data is removed here.
events as (

    select
        distinct_events.property_id,
        distinct_events.event_date,
        distinct_events.event_timestamp,
        distinct_events.event_name,
        distinct_events.event_hash,
        distinct_events.copies,
        distinct_events.table_kind,
        {{ known('user_pseudo_id') }} as known_user_pseudo_id,
        {{ known_id('user_id') }} as known_user_id,
        {{ consent_state('analytics_storage', 'uses_transient_token', known('user_pseudo_id'), known_id('user_id')) }} as consent_state,
        {{ ads_consent_state('ads_storage', 'is_limited_ad_tracking', 'non_personalized_ads') }} as ads_consent_state,
        platform,
        stream_id,
        batch_page_id,
        batch_ordering_id,
        batch_event_index,

        ga_session_id,
        {{ in_range('ga_session_number') }} as ga_session_number,
        session_engaged,
        {{ in_range('engagement_time_msec') }} as engagement_time_msec,

        location.url as page_location,
        referrer.url as page_referrer,
        {{ without_personal_data(known('page_title')) }} as page_title,
        {{ without_personal_data('coalesce(' ~ screen_names | join(', ') ~ ')') }} as screen_name,
        {{ known('device_hostname') }} as device_hostname,

        {{ first_known_source(['cross_channel', 'google_ads', 'manual'], 'source') }} as last_click_source,
        {{ first_known_source(['cross_channel', 'google_ads', 'manual'], 'medium') }} as last_click_medium,
        {{ first_known_source(['cross_channel', 'google_ads', 'manual'], 'campaign') }} as last_click_campaign,
        cross_channel_group as last_click_channel_group,
        {{ first_known_source(['collected', 'param', 'location.utm'], 'source') }} as event_source,
        {{ first_known_source(['collected', 'param', 'location.utm'], 'medium') }} as event_medium,
        {{ first_known_source(['collected', 'param', 'location.utm'], 'campaign') }} as event_campaign,
        coalesce(collected_click_id, location.click_id) as click_id,
        {{ first_known_source(['user'], 'source') }} as user_source,
        {{ first_known_source(['user'], 'medium') }} as user_medium,
        {{ first_known_source(['user'], 'campaign') }} as user_campaign,
        is_source_hidden,
        is_user_source_hidden,
        is_referrer_ignored,

        {{ known('device_category') }} as device_category,
        {{ known('browser') }} as browser,
        {{ known('operating_system') }} as operating_system,
        {{ known('country') }} as country,

        is_active_user,
        {{ known_id('transaction_id') }} as transaction_id,
        {{ currency_of_event('reported_currency', ['purchase_revenue', 'refund_value', 'tax_value', 'shipping_value']) }} as currency,
        {% for amount in ['purchase_revenue', 'refund_value', 'tax_value', 'shipping_value'] -%}
        {{ in_range(amount) }} as {{ amount }},
        {{ in_range(amount ~ '_in_usd') }} as {{ amount }}_in_usd,
        {% endfor -%}
        {{ values_out_of_range(['ga_session_number', 'engagement_time_msec'] + money_columns()) }} as values_out_of_range,
        {%- for param in custom_event_params %}
        {{ without_personal_data('param_' ~ param.column) if param.type == 'string' else 'param_' ~ param.column }} as param_{{ param.column }},
        {%- endfor %}
        items,
        user_properties
    from distinct_events
    left join cleaned as location on distinct_events.page_location = location.address
    left join cleaned as referrer on distinct_events.page_referrer = referrer.address

)

select
    {{ md5_key(['property_id', 'event_date', 'event_timestamp', 'event_name', 'event_hash']) }} as event_key,
    {{ all_but(['known_user_pseudo_id', 'known_user_id']) }},
    -- users without consent are counted, but not identified
    case when {{ is_consented('consent_state') }} then known_user_pseudo_id end as user_pseudo_id,
    case when {{ is_consented('consent_state') }} then {{ private_user_id('known_user_id') }} end as user_id
from events
