{#
    GA4's default channel groups, in Google's order: the first rule that matches decides. Two of Google's conditions are
    left out because they are not in the export: the campaign type and the network of Google Ads.
    https://support.google.com/analytics/answer/9756891

    source_category comes from the seed ga4_source_categories, null for a source that is not in it. AI assistants come
    before other matching sources and campaigns: GA4 marks them by the medium.
#}
{% macro default_channel_group(source, medium, campaign, source_category, is_direct) -%}
    {%- set is_paid = matches(medium, '^(.*cp.*|ppc|retargeting|paid.*)$') -%}
    {%- set is_shopping = "(" ~ source_category ~ " = 'shopping' or " ~ matches(campaign, '^(.*(([^a-df-z]|^)shop|shopping).*)$') ~ ")" -%}
    {%- set is_email = '^e[-_ ]?mail$' -%}
    case
        when {{ is_direct }} then 'Direct'
        when {{ matches(campaign, 'cross-network') }} then 'Cross-network'
        when {{ is_shopping }} and {{ is_paid }} then 'Paid Shopping'
        when {{ source_category }} = 'search' and {{ is_paid }} then 'Paid Search'
        when {{ source_category }} = 'social' and {{ is_paid }} then 'Paid Social'
        when {{ source_category }} = 'video' and {{ is_paid }} then 'Paid Video'
        when {{ matches(medium, '^(display|banner|expandable|interstitial|cpm)$') }} then 'Display'
        when {{ is_paid }} then 'Paid Other'
        when {{ is_ai_assistant(medium, source_category) }} then 'AI Assistant'
        when {{ is_shopping }} then 'Organic Shopping'
        when {{ source_category }} = 'social' or {{ matches(medium, '^(social|social[- ]network|social[- ]media|sm)$') }} then 'Organic Social'
        when {{ source_category }} = 'video' or {{ matches(medium, 'video') }} then 'Organic Video'
        when {{ source_category }} = 'search' or {{ matches(medium, '^organic$') }} then 'Organic Search'
        when {{ matches(source, is_email) }} or {{ matches(medium, is_email) }} then 'Email'
        when {{ matches(medium, '^affiliates?$') }} then 'Affiliates'
        when {{ matches(medium, '^(referral|app|link)$') }} then 'Referral'
        when {{ matches(medium, '^audio$') }} then 'Audio'
        when {{ matches(source, '^sms$') }} or {{ matches(medium, '^sms$') }} then 'SMS'
        when {{ matches(source, '^firebase$') }} or {{ matches(medium, 'push$|mobile|notification') }} then 'Mobile Push Notifications'
        else 'Unassigned'
    end
{%- endmacro %}

{# Boolean SQL: is the visit referred by an AI assistant, according to its medium or the seed's list? #}
{% macro is_ai_assistant(medium, source_category) -%}
    ({{ source_category }} = 'ai_assistant' or {{ matches(medium, '^ai[-_ ]assistant$') }})
{%- endmacro %}

{# A source as the seed ga4_source_categories writes it: `www.Google.com` is `google.com`. #}
{% macro source_name(source) -%}
    {{ without_www('lower(trim(' ~ source ~ '))') }}
{%- endmacro %}

{# The host of a referral, as an attribution source reports it; null for other media, and for a campaign. #}
{% macro referral_host(origin) -%}
    case when lower({{ origin }}_medium) = 'referral' and {{ named_campaign(origin ~ '_campaign') }} is null
        then {{ source_name(origin ~ '_source') }} end
{%- endmacro %}

{# Boolean SQL: do source and medium mean a direct visit? #}
{% macro is_direct(source, medium) -%}
    coalesce({{ source }} = '(direct)', {{ medium }} = '(none)', false)
{%- endmacro %}

{#
    Boolean SQL: is the event's own source, or its referrer, more specific than a click id (a row of the seed ga4_click_ids
    under the name click_ids)? If so, the click id is ignored; it only fills in missing values.

    An event is more specific if it names another source than the click's, a specific medium, or a campaign with its medium.
    GA4 reports a click with gclid as google / organic if it did not know the campaign yet: that is not a specific medium.
    A referrer is more specific if the click id can be on any link, not only on advertisements, and the referrer is a
    site other than the click's: the address was shared.
#}
{% macro is_more_specific_than_click(event, referrer_hostname) -%}
    (
        coalesce(lower({{ event }}_source) not in (click_ids.source, '(direct)'), false)
        or {{ named_medium(event ~ '_medium') }} is not null
        or {{ event }}_medium is not null and {{ named_campaign(event ~ '_campaign') }} is not null
        or coalesce(click_ids.is_on_any_link and strpos('.' || {{ referrer_hostname }} || '.', '.' || click_ids.source || '.') = 0, false)
    )
{%- endmacro %}

{#
    The channel group of a session. Google's own group is used if the export has it, except if Google has no group for AI
    assistants and reports them as referrals.
#}
{% macro channel_group_of_session(source, medium, campaign, source_category, is_direct, google_channel_group) -%}
    coalesce(
        case
            when not coalesce({{ google_channel_group }} in ('Referral', 'Unassigned') and {{ is_ai_assistant(medium, source_category) }}, false)
            then {{ google_channel_group }}
        end,
        {{ default_channel_group(source, medium, campaign, source_category, is_direct) }}
    )
{%- endmacro %}

{#
    The name under which the seed lists a search engine with hosts in many countries: google for google.co.uk, yahoo for
    uk.search.yahoo.com and r.search.yahoo.com, but none for mail.google.com.
#}
{% macro search_engine_name(hostname) -%}
    lower({{ extract(without_www(hostname), '^(?:(?:[a-z0-9-]+\\.)?search\\.|m\\.|[a-z]{2}\\.)?([a-z0-9-]+)(?:\\.com?)?\\.[a-z]{2,3}$') }})
{%- endmacro %}

{# The hosts of a relation, by property_id and hostname, that are the property's own: base_ga4__own_hosts and the var own_domains. #}
{% macro own_hosts_among(hosts) -%}
    select distinct
        {{ hosts }}.property_id,
        {{ hosts }}.hostname
    from {{ hosts }}
    left join {{ ref('base_ga4__own_hosts') }} as known_hosts
        on {{ hosts }}.property_id = known_hosts.property_id
        and {{ is_host_of(hosts ~ '.hostname', 'known_hosts.hostname') }}
    where known_hosts.hostname is not null
    {%- for domain in var('own_domains') %}
        or {{ is_host_of(hosts ~ '.hostname', "'" ~ domain_of(domain) ~ "'") }}
    {%- endfor %}
{%- endmacro %}
