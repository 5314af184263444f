-- Addresses as pages. GA4's page path is case-sensitive and has no host; here a page is host and path in lower case,
-- decoded, slashes that follow each other as one, without `www.`, port, query, fragment and trailing slash (README of
-- dbt_ga4, Pages).
create or replace macro host_of(address) as
    regexp_replace(lower(regexp_extract(address, '^[a-zA-Z]+://(?:[^/?#@]*@)?([^/:?#]*)', 1)), '^www\.', '');

create or replace macro path_of(address) as
    rtrim(
        regexp_replace(lower(url_decode(regexp_extract(address, '^[a-zA-Z]+://[^/?#]*(/[^?#]*)?', 1))), '/+', '/', 'g'),
        '/'
    );

create or replace macro page_of(address) as
    case when address is not null then host_of(address) || coalesce(nullif(path_of(address), ''), '/') end;
