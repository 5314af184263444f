-- Sources and default channel groups. Rules in the order of "Channels for manual traffic" (9756891); of Google's list
-- of sources, those that the exports counted here name.
create or replace macro is_search_site(source) as
    source in ('ask', 'baidu', 'bing', 'duckduckgo', 'google', 'msn', 'msn.com', 'yahoo')
    or source in ('duckduckgo.com', 'google.com') and getvariable('search_sites_that_google_s_list_lacks_count');

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

create or replace macro known(value) as
    case when value not in ('<Other>', '(data deleted)', '(not set)', '(not provided)', '(other)') then value end;

-- What an export says of a source: no record where it says nothing. Campaigns in brackets only repeat the medium.
create or replace macro source_record(source, medium, campaign) as
    case
        when
            coalesce(known(source), known(medium), nullif(regexp_replace(known(campaign), '^\(.*\)$', ''), ''))
            is not null
            then {s: known(source), m: known(medium), c: known(campaign)}
    end;

-- The site of a host, as far as these exports go: its last two labels.
create or replace macro site_of(host) as regexp_extract(host, '[^.]+\.[^.]+$');

-- Is it a referral by the site itself?
create or replace macro is_own(source, medium, page_location) as
    coalesce(medium = 'referral' and site_of(lower(source)) = site_of(host_of(page_location)), false)
    and getvariable('the_site_refers_nothing_to_itself');

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
        case
            when not is_own(source, medium, page_location) then source_record(source, medium, campaign)
        end as reported,
        case
            when
                not is_own(
                    row ->> '$.traffic_source.source', row ->> '$.traffic_source.medium', page_location
                )
                then source_record(
                    row ->> '$.traffic_source.source', row ->> '$.traffic_source.medium', row ->> '$.traffic_source.name'
                )
        end as user_first,
        coalesce(
            row -> '$.session_traffic_source_last_click.cross_channel_campaign',
            row -> '$.session_traffic_source_last_click.manual_campaign'
        ) as last_click,
        is_hidden(source)
        or is_hidden(row ->> '$.traffic_source.source')
        or is_hidden(row ->> '$.session_traffic_source_last_click.cross_channel_campaign.source') as has_hidden_source,
        case
            when site_of(host_of(page_referrer)) <> site_of(host_of(page_location)) then host_of(page_referrer)
        end as referrer
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
        arg_min(last_click, (ts, line)) filter (known(last_click ->> 'source') is not null) as last_click,
        arg_min(reported, (ts, line)) filter (reported is not null) as reported,
        arg_min(user_first, (ts, line)) filter (user_first is not null) as user_first,
        arg_min({host: referrer}, (ts, line)) filter (name in ('page_view', 'screen_view')) as landing
    from event_source
    group by all
),

witnessed as (
    select
        *,
        case
            when last_click is not null
                then source_record(last_click ->> 'source', last_click ->> 'medium', last_click ->> 'campaign_name')
            when reported is not null then reported
            when session_number = 1 and user_first is not null and coalesce(user_first.s, '') <> '(direct)'
                then user_first
            when regexp_full_match(landing.host, 'google(\.com?)?\.[a-z]+|google\.com')
                then source_record('google', 'organic', null)
            when regexp_full_match(landing.host, '(.*\.)?((bing|duckduckgo|baidu|ask|msn)\.com|search\.yahoo\.com)')
                then source_record(
                    regexp_extract(landing.host, '(bing|duckduckgo|baidu|ask|msn|yahoo)\.com', 1), 'organic', null
                )
            when landing.host is not null then source_record(landing.host, 'referral', null)
            when not has_hidden_source then source_record('(direct)', '(none)', null)
        end as witness
    from session_source
)

select
    device,
    session,
    session_day,
    session_number,
    witness.s as source,
    witness.m as medium,
    coalesce(last_click ->> 'default_channel_group', channel_of(witness.s, witness.m, witness.c)) as channel
from witnessed;
