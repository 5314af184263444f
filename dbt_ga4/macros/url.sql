{#
    Addresses and pages. A page_key is `host/path`: host in lowercase without "www.", user and port; path decoded, in
    lowercase, without repeated or trailing slashes; no fragment; of the query only the parameters in the var
    query_parameter_allowlist. It never contains personal data.
#}

{#
    Adds the two slashes to an address with a bare host ("shop.example.com/hats"), so that the host is recognized.
    "index.html" is a document, not a host.
#}
{% macro with_authority(url) -%}
    case
        when {{ matches(url, '^([0-9' ~ letters() ~ '_-]+\\.)+[' ~ letters() ~ ']{2,}(:\\d+)?([/?#]|$)') }}
            and not {{ matches(url, '^[^/?#]+\\.(html?|php|aspx?|jsp)([/?#]|$)') }}
        then '//' || {{ url }}
        when {{ matches(url, '^localhost(:\\d+)?([/?#]|$)') }} then '//' || {{ url }}
        else {{ url }}
    end
{%- endmacro %}

{# Is the address on the web? Not about:blank, data:, file: and similar ones. #}
{% macro is_web_address(url) -%}
    ({{ url }} <> '' and not {{ matches(url, '^(about|blob|data|file|javascript|mailto|sms|tel):') }})
{%- endmacro %}

{# Host of an absolute address, null for a relative one. #}
{% macro url_host(url) -%}
    nullif(lower({{ replace_all(extract(url, '^(?:[a-z][a-z0-9+.-]*:)?//([^/?#]*)'), '^.*@|:\\d*$|\\.+(:\\d*)?$', '') }}), '')
{%- endmacro %}

{# A host without a leading "www.". #}
{% macro without_www(host) -%}
    {{ replace_all(host, '^www\\.', '') }}
{%- endmacro %}

{# Boolean SQL: is a host the domain itself or a subdomain of it? #}
{% macro is_host_of(host, domain) -%}
    ({{ host }} = {{ domain }} or ends_with({{ host }}, '.' || {{ domain }}))
{%- endmacro %}

{# Boolean SQL: are two hosts the same, or is one a subdomain of the other? False if one is unknown. #}
{% macro is_same_site(host, other) -%}
    coalesce({{ is_host_of(host, other) }} or {{ is_host_of(other, host) }}, false)
{%- endmacro %}

{# The bare domain of a variable's entry, which can be a host or an address. #}
{% macro domain_of(name) -%}
    {%- set domain = modules.re.sub('^([a-z][a-z0-9+.-]*:)?//|[/?#:].*$', '', name | trim | lower) -%}
    {{- modules.re.sub('^www[.]|[.]$', '', domain) | replace("'", "''") -}}
{%- endmacro %}

{# Everything between authority and query or fragment, as written. #}
{% macro url_raw_path(url) -%}
    coalesce({{ extract(url, '^(?:(?:[a-z][a-z0-9+.-]*:)?//[^/?#]*)?([^?#]*)') }}, '')
{%- endmacro %}

{# A path without the session id that Java servers add to it. #}
{% macro without_session_id(path) -%}
    {{ replace_all(path, ';jsessionid=[^/?#]*', '') }}
{%- endmacro %}

{# Everything between question mark and fragment, as written; null without it. #}
{% macro url_query(url) -%}
    {{ extract(url, '^[^?#]*\\?([^#]*)') }}
{%- endmacro %}

{# The decoded value of the first query parameter of that name, or null. #}
{% macro query_parameter(url, name) -%}
    {%- if not modules.re.fullmatch('[A-Za-z0-9_.-]+', name) -%}
        {{ exceptions.raise_compiler_error("the query parameter '" ~ name ~ "' has other characters than letters, digits, _ . -") }}
    {%- endif -%}
    {{ without_personal_data(url_decode(extract(url_query(url), '(?:^|&)' ~ name | replace('.', '\\.') ~ '=([^&]*)'))) }}
{%- endmacro %}

{#
    Text without tokens: UUIDs, unbroken runs of 24 letters and digits with at least one digit, of 16 digits, and GA's client ids.
    Words of a readable path are shorter or separated by hyphens; shorter numbers are article numbers. Tokens are kept if
    `keeps_tokens`, Boolean SQL, is true. What is personal was removed before: see without_personal_data.
#}
{% macro without_tokens(value, keeps_tokens='false') -%}
    {# most paths have no digit, and so none of these -#}
    case
        when not {{ matches(value, '[0-9]') }} or {{ keeps_tokens }} then {{ value }}
        else {{ redact_tokens(value, '[redacted]') }}
    end
{%- endmacro %}

{#
    Letters and digits of all scripts, as ranges within the brackets of a regular expression; no white space, no emoji, and
    only punctuation of rare scripts. DuckDB compiles a pattern with `\p{L}` several times more slowly, for each occurrence
    and in each thread.
#}
{% macro letters() -%}
    {{ return('A-Za-z\\x{aa}\\x{b2}\\x{b3}\\x{b5}\\x{b9}\\x{ba}\\x{bc}-\\x{be}\\x{c0}-\\x{d6}\\x{d8}-\\x{f6}\\x{f8}-\\x{60b}\\x{610}-\\x{61a}\\x{620}-\\x{669}\\x{66e}-\\x{6d3}\\x{6d5}-\\x{963}\\x{966}-\\x{1fff}\\x{2070}-\\x{209c}\\x{20d0}-\\x{218f}\\x{2c00}-\\x{2dff}\\x{3005}-\\x{3007}\\x{3021}-\\x{302f}\\x{3031}-\\x{303c}\\x{3041}-\\x{30fa}\\x{30fc}-\\x{31ff}\\x{3400}-\\x{d7ff}\\x{f900}-\\x{fd3d}\\x{fd50}-\\x{fdfb}\\x{fe70}-\\x{fefc}\\x{ff10}-\\x{ff19}\\x{ff21}-\\x{ff3a}\\x{ff41}-\\x{ff5a}\\x{ff66}-\\x{ffdc}\\x{10000}-\\x{1efff}\\x{20000}-\\x{3ffff}') }}
{%- endmacro %}

{#
    Host and decoded path of an address that may contain a token before its query, without personal data, in
    lowercase and without a trailing slash; null for all other addresses, which are the majority.
#}
{% macro url_page(url) -%}
    {%- set address = with_authority(url) -%}
    {%- set path = without_personal_data(url_decode(without_session_id(url_raw_path(address)))) -%}
    case
        when {{ matches(url, '^[^?#]*([0-9a-z]{24}|[0-9]{16}|[0-9]{10}|[0-9a-f]{8}(-|%2d)[0-9a-f]{4}(-|%2d))') }}
        then coalesce({{ without_www(url_host(address)) }}, '') || lower({{ replace_all(path, '/+$', '') }})
    end
{%- endmacro %}

{#
    The template of a page from `url_page`: `{id}` in place of each part that looks like a token; null if none does.
    base_ga4__url_templates decides for which templates these parts are ids of products and similar things, and are kept.
#}
{% macro url_template(page) -%}
    nullif({{ redact_tokens(page, '{id}') }}, {{ page }})
{%- endmacro %}

{# The addresses of a relation of `address` and `page` whose ids are kept, according to base_ga4__url_templates. #}
{% macro addresses_with_kept_ids(addresses) -%}
    select paged.address
    from (
        select
            address,
            {{ url_template('page') }} as url_template
        from {{ addresses }}
        where page is not null
    ) as paged
    inner join {{ ref('base_ga4__url_templates') }} as templates on paged.url_template = templates.url_template
    where templates.keeps_ids
{%- endmacro %}

{# Page, template and user of the page views whose address may contain a token; of all days with `days_after` none. #}
{% macro viewed_templates(window=none, days_after=0) -%}
    select
        page,
        {{ url_template('page') }} as url_template,
        user_pseudo_id
    from (
        select distinct
            {{ url_page('address') }} as page,
            user_pseudo_id
        from (
            select
                trim({{ param_of('event_params', 'page_location') }}) as address,
                user_pseudo_id
            from {{ ga4_raw_events(source('ga4', 'raw_ga4_events'), days_after=days_after) }} as raw_events
            where event_name in ({{ quoted_list(var('page_view_events')) }})
            {%- if window %}
                and {{ ga4_in_window(window) }}
            {%- endif %}
        ) as addresses
    ) as pages
    where {{ url_template('page') }} is not null
{%- endmacro %}

{# The templates of a relation of `page`, `url_template` and `user_pseudo_id`, with counts of pages and users. #}
{% macro url_template_evidence(views) -%}
    select
        url_template,
        count(*) as pages,
        {{ count_where('users >= ' ~ var('url_template_min_users') | int) }} as shared_pages,
        max(template_users) as users,
        {{ sum_whole('users') }} as page_users,
        {{ sum_whole('case when users >= ' ~ var('url_template_min_users') | int ~ ' then users else 0 end') }} as users_of_shared_pages
    from (
        select pages.*, templates.template_users
        from (
            select url_template, page, count(distinct user_pseudo_id) as users
            from {{ views }}
            group by url_template, page
        ) as pages
        inner join (
            select url_template, count(distinct user_pseudo_id) as template_users
            from {{ views }}
            group by url_template
        ) as templates on pages.url_template = templates.url_template
    ) as shared
    group by url_template
{%- endmacro %}

{#
    Boolean SQL: do these counts show that a template contains products or similar things (pages shared by users), not tokens (one
    user each)? One person with two devices is not enough: it takes two shared pages and three users.
#}
{% macro is_shared_template(evidence) -%}
    {{ evidence }}.shared_pages >= 2
        and {{ evidence }}.users >= 3
        and {{ evidence }}.users_of_shared_pages >= 0.75 * {{ evidence }}.page_users
{%- endmacro %}

{# The path of page_key: starts with a slash, and ends with one only if it is the home page. #}
{% macro normalised_path(raw_path, keeps_tokens='false') -%}
    {%- set decoded = compose_unicode(url_decode(without_session_id(raw_path))) -%}
    {{ replace_all(replace_all("'/' || lower(" ~ without_tokens(without_personal_data(decoded), keeps_tokens) ~ ")", '/[/\\s]*/', '/'), '(.)[/\\s]+$', '\\1') }}
{%- endmacro %}

{# The query of page_key with its question mark, empty if the allow-list leaves nothing. #}
{% macro normalised_query(query) -%}
    {%- set allowed = var('query_parameter_allowlist') | map('lower') | list -%}
    {%- if allowed -%}
    coalesce('?' || lower({{ without_personal_data(url_decode(query_parameters(query, allowed, keep=true, sort=true))) }}), '')
    {%- else -%} ''
    {%- endif -%}
{%- endmacro %}

{#
    An address as it is stored: without user and password, session id, the query parameters of the var
    query_parameter_exclusions, personal data, and tokens in its path, unless `keeps_tokens` is true.
#}
{% macro cleaned_url(url, keeps_tokens='false') -%}
    {%- set left = query_parameters(url_query(url), var('query_parameter_exclusions') | map('lower') | list, keep=false) -%}
    {%- set before_query = replace_all(without_session_id(extract(url, '^([^?#]*)')), '^((?:[a-z][a-z0-9+.-]*:)?//)[^/@]*@', '\\1') -%}
    coalesce({{ without_tokens(without_personal_data(before_query), keeps_tokens) }}, '')
    || {{ without_personal_data("coalesce('?' || " ~ left ~ ", '') || coalesce(" ~ extract(url, '(#.*)$') ~ ", '')") }}
{%- endmacro %}

{# Column of a query parameter in the var query_parameter_extraction. #}
{% macro query_parameter_column(name) -%}
    query_parameter_{{ modules.re.sub('[^a-z0-9_]', '_', name | lower) }}
{%- endmacro %}
