{% set late_days = var('late_event_days') | int %}
{% set lookback_days = var('session_attribution_lookback_window_days') | int %}
{# Direct sessions within the lookback are attributed to an earlier session's source. -#}
{{ ga4_incremental(column='session_date', days_before=late_days + 1, days_after=4 + lookback_days, cluster_by=['client_key']) }}
{% set sources_of = {
    'source': ['last_click', 'click', 'event', 'referrer', 'user'],
    'medium': ['last_click', 'click', 'event', 'referrer', 'user'],
    'campaign': ['last_click', 'click', 'event', 'user'],
} -%}

with sessions as (

    select
        *,
        {{ search_engine_name('referrer_hostname') }} as referrer_name
    from {{ ref('int_ga4__sessions') }}
    where {{ ga4_between('session_date', late_days + 1 + lookback_days, 4 + lookback_days) }}

),

categories as (

    select source, source_category, is_search_engine from {{ ref('ga4_source_categories') }}

),

sessions_with_sources as (

    select
        sessions.*,
        click_ids.source as click_source,
        click_ids.medium as click_medium,
        coalesce({{ named_campaign('sessions.event_campaign') }}, nullif(click_ids.campaign, '')) as click_campaign,
        -- a search engine by its name, in any country; all others by their host
        coalesce(search_engines.source, sessions.referrer_hostname) as referrer_source,
        case
            when coalesce(referrers.source_category, search_engines.source_category) = 'search' then 'organic'
            else 'referral'
        end as referrer_medium,
        case
            when {{ names_source('sessions.last_click') }} then 'last_click'
            when click_ids.source is not null
                and not {{ is_more_specific_than_click('sessions.event', 'sessions.referrer_hostname') }} then 'click'
            when {{ names_source('sessions.event') }} then 'event'
            -- the user's first source applies only to the first session; it is Google's value, so it comes before the referrer
            when {{ names_source('sessions.user') }}
                and not {{ is_direct('sessions.user_source', 'sessions.user_medium') }}
                and sessions.ga_session_number = 1 then 'user'
            when sessions.referrer_hostname is not null then 'referrer'
            -- a referral by a hidden site is less specific than the referrer
            when {{ has_source('sessions.last_click') }} then 'last_click'
            when {{ has_source('sessions.event') }} then 'event'
            when {{ has_source('sessions.user') }} and coalesce(sessions.ga_session_number, 1) = 1 then 'user'
            when sessions.is_source_hidden then 'hidden'
            else 'none'
        end as source_method
    from sessions
    left join {{ ref('ga4_click_ids') }} as click_ids on sessions.click_id = click_ids.click_id
    left join categories as referrers on sessions.referrer_hostname = referrers.source
    left join categories as search_engines
        on sessions.referrer_name = search_engines.source
        and search_engines.is_search_engine
        and coalesce(referrers.source_category, 'search') = 'search'

),

named as (

    select
        session_key,
        property_id,
        client_key,
        session_date,
        session_started_at,
        source_method,
        {% for part, attribution_sources in sources_of.items() -%}
        case source_method
        {%- for origin in attribution_sources %}
            when '{{ origin }}' then {{ origin }}_{{ part }}
        {%- endfor %}
        end as known_{{ part }},
        {% endfor -%}
        case when source_method = 'last_click' then last_click_channel_group end as google_channel_group
    from sessions_with_sources

),

own as (

    select
        *,
        source_method = 'none' or {{ is_direct('known_source', 'known_medium') }} as is_direct
    from named

),

grouped as (

    select
        own.session_key,
        own.property_id,
        own.client_key,
        own.session_date,
        own.session_started_at,
        own.source_method,
        own.is_direct,
        case when own.is_direct then '(direct)' else own.known_source end as source,
        case when own.is_direct then '(none)' else own.known_medium end as medium,
        case when not own.is_direct then own.known_campaign end as campaign,
        {{ channel_group_of_session(
            'own.known_source', 'own.known_medium', 'own.known_campaign',
            'categories.source_category', 'own.is_direct', 'own.google_channel_group'
        ) }} as default_channel_group
    from own
    left join categories on {{ source_name('own.known_source') }} = categories.source

),

-- The latest session up to each one that was not direct. A hidden source is unknown and therefore not direct.
followed as (

    select
        *,
        last_value(case when not is_direct then session_key end ignore nulls) over (
            partition by client_key order by session_date, session_started_at, session_key
            rows between unbounded preceding and current row
        ) as last_non_direct_session_key
    from grouped

)

select
    followed.session_key,
    followed.property_id,
    followed.client_key,
    followed.session_date,
    followed.source,
    followed.medium,
    followed.campaign,
    followed.is_direct,
    followed.source_method,
    followed.default_channel_group,
    last_non_direct.session_key as last_non_direct_session_key,
    {% for column in ['source', 'medium', 'campaign', 'default_channel_group'] -%}
    case
        when last_non_direct.session_key is null then followed.{{ column }}
        else last_non_direct.{{ column }}
    end as last_non_direct_{{ column }}{{ ',' if not loop.last }}
    {% endfor -%}
from followed
left join grouped as last_non_direct
    on followed.last_non_direct_session_key = last_non_direct.session_key
    and last_non_direct.session_date >= {{ days_later('followed.session_date', -lookback_days) }}
where {{ ga4_between('followed.session_date', late_days + 1, 4 + lookback_days) }}
