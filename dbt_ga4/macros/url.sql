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

{% macro without_www(host) -%}
    {{ replace_all(host, '^www\\.', '') }}
{%- endmacro %}

{# Everything between authority and query or fragment, as written. #}
{% macro url_raw_path(url) -%}
    coalesce({{ extract(url, '^(?:(?:[a-z][a-z0-9+.-]*:)?//[^/?#]*)?([^?#]*)') }}, '')
{%- endmacro %}

{% macro url_query(url) -%}
    {{ extract(url, '^[^?#]*\\?([^#]*)') }}
{%- endmacro %}

{# E-mail addresses replaced, also where the at sign is encoded. #}
{% macro redact_emails(value) -%}
    {{ replace_all(value, '[\\p{L}\\p{N}._%+-]+(@|%40)[\\p{L}\\p{N}-]+(\\.[\\p{L}\\p{N}-]+)*\\.\\p{L}{2,}', '[redacted]') }}
{%- endmacro %}

{# The path of page_key: begins with a slash, ends with one only when it is the home page. #}
{% macro normalised_path(raw_path) -%}
    {%- set decoded = compose_unicode(url_decode(replace_all(raw_path, ';jsessionid=[^/]*', ''))) -%}
    {%- set redacted = redact_path_tokens(redact_emails(decoded), '[redacted]') -%}
    {{ replace_all(replace_all("'/' || lower(" ~ redacted ~ ")", '/[/\\s]*/', '/'), '(.)[/\\s]+$', '\\1') }}
{%- endmacro %}

{# The query of page_key with its question mark, empty where the allow-list leaves nothing. #}
{% macro normalised_query(query) -%}
    {%- set allowed = var('query_parameter_allowlist') | map('lower') | list -%}
    {%- if allowed -%}
    coalesce('?' || lower({{ redact_emails(url_decode(query_parameters(query, allowed, keep=true, sort=true))) }}), '')
    {%- else -%} ''
    {%- endif -%}
{%- endmacro %}

{# An address without the query parameters of the var query_parameter_exclusions and without e-mail addresses. #}
{% macro cleaned_url(url) -%}
    {%- set left = query_parameters(url_query(url), var('query_parameter_exclusions') | map('lower') | list, keep=false) -%}
    {{ redact_emails(
        "coalesce(" ~ extract(url, '^([^?#]*)') ~ ", '') || coalesce('?' || " ~ left ~ ", '') || coalesce(" ~ extract(url, '(#.*)$') ~ ", '')"
    ) }}
{%- endmacro %}
