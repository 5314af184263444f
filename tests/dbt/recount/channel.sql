-- Sources and default channel groups. Rules in the order of "Channels for manual traffic" (9756891); of Google's 819
-- sources, those that the exports counted here name.
create or replace macro is_search_site(source) as
    source in ('ask', 'baidu', 'bing', 'duckduckgo', 'google', 'google.com', 'mail.google.com', 'msn', 'yahoo');

create or replace macro is_social_site(source) as
    source in (
        'facebook.com', 'groups.google.com', 'instagram', 'l.facebook.com', 'l.instagram.com', 'm.facebook.com',
        'pinterest', 'pinterest.com', 'plus.google.com', 'quora.com', 'reddit.com', 'sites.google.com', 't.co',
        'tumblr.com'
    );

create or replace macro is_video_site(source) as source in ('m.youtube.com', 'youtube.com');

create or replace macro is_shopping(campaign) as
    regexp_full_match(coalesce(campaign, ''), '(.*(([^a-df-z]|^)shop|shopping).*)');

create or replace macro is_paid(medium) as
    regexp_full_match(coalesce(medium, ''), '(.*cp.*|ppc|retargeting|paid.*)');

create or replace macro channel_by_rule(source, medium, campaign) as
    case
        when source = '(direct)' and coalesce(medium, '(not set)') in ('(not set)', '(none)') then 'Direct'
        when contains(campaign, 'cross-network') then 'Cross-network'
        when is_shopping(campaign) and is_paid(medium) then 'Paid Shopping'
        when is_search_site(source) and is_paid(medium) then 'Paid Search'
        when is_social_site(source) and is_paid(medium) then 'Paid Social'
        when is_video_site(source) and is_paid(medium) then 'Paid Video'
        when medium in ('display', 'banner', 'expandable', 'interstitial', 'cpm') then 'Display'
        when is_paid(medium) then 'Paid Other'
        when is_shopping(campaign) then 'Organic Shopping'
        when
            is_social_site(source)
            or medium in ('social', 'social-network', 'social-media', 'sm', 'social network', 'social media')
            then 'Organic Social'
        when is_video_site(source) or contains(medium, 'video') then 'Organic Video'
        when is_search_site(source) or medium = 'organic' then 'Organic Search'
        when medium in ('referral', 'app', 'link') then 'Referral'
        when regexp_full_match(coalesce(source, ''), 'e[-_ ]?mail') then 'Email'
        when regexp_full_match(coalesce(medium, ''), 'e[-_ ]?mail') then 'Email'
        when medium = 'affiliate' then 'Affiliates'
        when medium = 'audio' then 'Audio'
        when source = 'sms' or medium = 'sms' then 'SMS'
        when source = 'firebase' or regexp_matches(medium, 'push$|mobile|notification') then 'Mobile Push Notifications'
        else 'Unassigned'
    end;

create or replace macro channel_of(source, medium, campaign) as
    channel_by_rule(lower(source), lower(medium), lower(campaign));

-- GA4's words for what it does not tell.
create or replace macro is_hidden(value) as value in ('<Other>', '(data deleted)');

create or replace macro told(value) as
    case when value not in ('<Other>', '(data deleted)', '(not set)', '(not provided)', '(other)') then value end;

-- The site of a host, as far as these exports go: its last two labels.
create or replace macro site_of(host) as regexp_extract(host, '[^.]+\.[^.]+$');

create or replace table source_of_session as
with

event_source as (
    select
        device,
        session,
        session_day,
        ts,
        line,
        name,
        session_number,
        page_location,
        page_referrer,
        told(source) as source,
        told(medium) as medium,
        told(campaign) as campaign,
        coalesce(
            row -> '$.session_traffic_source_last_click.cross_channel_campaign',
            row -> '$.session_traffic_source_last_click.manual_campaign'
        ) as last_click,
        told(row ->> '$.traffic_source.source') as user_source,
        told(row ->> '$.traffic_source.medium') as user_medium,
        told(row ->> '$.traffic_source.name') as user_campaign,
        is_hidden(source)
        or is_hidden(row ->> '$.traffic_source.source')
        or is_hidden(row ->> '$.session_traffic_source_last_click.cross_channel_campaign.source') as has_hidden_source,
        host_of(page_referrer) as referrer_host,
        host_of(page_location) as page_host
    from session_event
    where session is not null
),

session_source as (
    select
        device,
        session,
        session_day,
        bool_or(coalesce(has_hidden_source, false)) as has_hidden_source,
        min(session_number) as session_number,
        arg_min(last_click, (ts, line)) filter (told(last_click ->> 'source') is not null) as last_click,
        arg_min({s: source, m: medium, c: campaign}, (ts, line)) filter (source is not null) as reported,
        arg_min({s: user_source, m: user_medium, c: user_campaign}, (ts, line)) filter (user_source is not null)
            as user_first,
        arg_min(
            {host: case when site_of(referrer_host) <> site_of(page_host) then referrer_host end}, (ts, line)
        ) filter (name in ('page_view', 'screen_view')) as landing_referrer
    from event_source
    group by all
),

witnessed as (
    select
        * exclude (last_click),
        case
            when last_click is not null
                then {
                    s: last_click ->> 'source',
                    m: told(last_click ->> 'medium'),
                    c: told(last_click ->> 'campaign_name'),
                    g: last_click ->> 'default_channel_group'
                }
            when reported is not null then {s: reported.s, m: reported.m, c: reported.c, g: null}
            when session_number = 1 and user_first.s <> '(direct)'
                then {s: user_first.s, m: user_first.m, c: user_first.c, g: null}
            when regexp_full_match(referrer_host, 'google(\.com?)?\.[a-z]+|google\.com')
                then {s: 'google', m: 'organic', c: null, g: null}
            when regexp_full_match(referrer_host, '(.*\.)?((bing|duckduckgo|baidu|ask|msn)\.com|search\.yahoo\.com)')
                then {
                    s: regexp_extract(referrer_host, '(bing|duckduckgo|baidu|ask|msn|yahoo)\.com', 1),
                    m: 'organic',
                    c: null,
                    g: null
                }
            when referrer_host is not null then {s: referrer_host, m: 'referral', c: null, g: null}
            when has_hidden_source then {s: null, m: null, c: null, g: 'Unassigned'}
            else {s: '(direct)', m: '(none)', c: null, g: 'Direct'}
        end as witness
    from (select *, landing_referrer.host as referrer_host from session_source)
)

select
    device,
    session,
    session_day,
    witness.s as source,
    witness.m as medium,
    coalesce(witness.g, channel_of(witness.s, witness.m, witness.c)) as channel
from witnessed;
