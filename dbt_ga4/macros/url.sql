{#
    Addresses and pages. A page_key is `host/path`: host in lower case without "www.", user and port; path decoded,
    in lower case, without doubled or trailing slashes; no fragment; of the query only what the var
    query_parameter_allowlist names. Personal data never reaches it.
#}

{#
    An address with a bare host ("shop.example.com/hats") is given the two slashes that make the host one.
    "index.html" is a document and no host.
#}
{% macro with_authority(url) -%}
    case
        when {{ matches(url, '^([\\p{L}\\p{N}_-]+\\.)+\\p{L}{2,}(:\\d+)?([/?#]|$)') }}
            and not {{ matches(url, '^[^/?#]+\\.(html?|php|aspx?|jsp)([/?#]|$)') }}
        then '//' || {{ url }}
        when {{ matches(url, '^localhost(:\\d+)?([/?#]|$)') }} then '//' || {{ url }}
        else {{ url }}
    end
{%- endmacro %}

{# Has the address a place on the web? Not so about:blank, data:, file: and their like. #}
{% macro is_web_address(url) -%}
    ({{ url }} <> '' and not {{ matches(url, '^(about|blob|data|file|javascript|mailto|sms|tel):') }})
{%- endmacro %}

{# Host of an address with authority, null for a relative one. #}
{% macro url_host(url) -%}
    nullif(lower({{ replace_all(extract(url, '^(?:[a-z][a-z0-9+.-]*:)?//([^/?#]*)'), '^.*@|:\\d*$|\\.+(:\\d*)?$', '') }}), '')
{%- endmacro %}

{# A host without "www." before it. #}
{% macro without_www(host) -%}
    {{ replace_all(host, '^www\\.', '') }}
{%- endmacro %}

{# Boolean SQL: is a host the domain itself or a subdomain of it? #}
{% macro is_host_of(host, domain) -%}
    ({{ host }} = {{ domain }} or ends_with({{ host }}, '.' || {{ domain }}))
{%- endmacro %}

{# Boolean SQL: are two hosts the same, or one a subdomain of the other? False where one is unknown. #}
{% macro is_same_site(host, other) -%}
    coalesce({{ is_host_of(host, other) }} or {{ is_host_of(other, host) }}, false)
{%- endmacro %}

{# The bare domain of what a variable names, be it written as a host or an address. #}
{% macro domain_of(name) -%}
    {%- set domain = modules.re.sub('^([a-z][a-z0-9+.-]*:)?//|[/?#:].*$', '', name | trim | lower) -%}
    {{- modules.re.sub('^www[.]|[.]$', '', domain) | replace("'", "''") -}}
{%- endmacro %}

{# Everything between authority and query or fragment, as written. #}
{% macro url_raw_path(url) -%}
    coalesce({{ extract(url, '^(?:(?:[a-z][a-z0-9+.-]*:)?//[^/?#]*)?([^?#]*)') }}, '')
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
    Text without personal data, by the var strip_pii: e-mail addresses (also where the at sign is encoded), phone numbers
    in their written forms, and tokens: UUIDs, unbroken runs of 24 letters and digits with a digit in it, of 16 digits,
    and GA's client ids. Words of a readable path are shorter or broken by hyphens; shorter numbers are article numbers.
#}
{% macro without_personal_data(value) -%}
    {%- if not var('strip_pii') -%}
    {{ value }}
    {%- else -%}
    {# most texts hold neither at sign nor digit, and so none of these -#}
    case
        when not {{ matches(value, '[@0-9]') }} then {{ value }}
        else {{ redact_tokens(
            replace_all(
                replace_all(value, '[\\p{L}\\p{N}._+-]+(@|%40)[\\p{L}\\p{N}-]+(\\.[\\p{L}\\p{N}-]+)*\\.\\p{L}{2,}', '[redacted]'),
                '(\\+|%2b)[0-9](([ ().-]|%20)*[0-9]){8,14}\\b|\\(?\\b[0-9]{3}\\)?([-. +]|%20)[0-9]{3}([-. +]|%20)[0-9]{4}\\b',
                '[redacted]'
            ),
            '[redacted]'
        ) }}
    end
    {%- endif -%}
{%- endmacro %}

{# The path of page_key: begins with a slash, ends with one only when it is the home page. #}
{% macro normalised_path(raw_path) -%}
    {%- set decoded = compose_unicode(url_decode(replace_all(raw_path, ';jsessionid=[^/]*', ''))) -%}
    {{ replace_all(replace_all("'/' || lower(" ~ without_personal_data(decoded) ~ ")", '/[/\\s]*/', '/'), '(.)[/\\s]+$', '\\1') }}
{%- endmacro %}

{# The query of page_key with its question mark, empty where the allow-list leaves nothing. #}
{% macro normalised_query(query) -%}
    {%- set allowed = var('query_parameter_allowlist') | map('lower') | list -%}
    {%- if allowed -%}
    coalesce('?' || lower({{ without_personal_data(url_decode(query_parameters(query, allowed, keep=true, sort=true))) }}), '')
    {%- else -%} ''
    {%- endif -%}
{%- endmacro %}

{#
    An address as it is stored: without user and password, without the query parameters of the var
    query_parameter_exclusions, without personal data.
#}
{% macro cleaned_url(url) -%}
    {%- set left = query_parameters(url_query(url), var('query_parameter_exclusions') | map('lower') | list, keep=false) -%}
    {%- set before_query = replace_all(extract(url, '^([^?#]*)'), '^((?:[a-z][a-z0-9+.-]*:)?//)[^/@]*@', '\\1') -%}
    {{ without_personal_data(
        "coalesce(" ~ before_query ~ ", '') || coalesce('?' || " ~ left ~ ", '') || coalesce(" ~ extract(url, '(#.*)$') ~ ", '')"
    ) }}
{%- endmacro %}

{# Column of a query parameter that the var query_parameter_extraction names. #}
{% macro query_parameter_column(name) -%}
    query_parameter_{{ modules.re.sub('[^a-z0-9_]', '_', name | lower) }}
{%- endmacro %}
