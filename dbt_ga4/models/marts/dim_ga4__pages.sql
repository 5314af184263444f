with events as (

    select property_id, page_key, page_title, client_key, occurred_on, is_page_view
    from {{ ref('int_ga4__events_sessionized') }}
    where page_key is not null

),

-- The title that most page views show; between equals, the first of the alphabet.
titles as (

    select property_id, page_key, page_title
    from (
        select property_id, page_key, page_title, {{ count_where('is_page_view') }} as page_views
        from events
        where page_title is not null
        group by property_id, page_key, page_title
    ) as title_views
    qualify row_number() over (partition by property_id, page_key order by page_views desc, page_title) = 1

),

pages as (

    select
        property_id,
        page_key,
        {{ count_where('is_page_view') }} as page_views,
        count(distinct client_key) as users,
        min(occurred_on) as first_seen,
        max(occurred_on) as last_seen
    from events
    group by property_id, page_key

)

select
    pages.page_key,
    pages.property_id,
    {{ extract('pages.page_key', '^([^/]+)/') }} as hostname,
    {{ extract('pages.page_key', '^[^/]*(/[^?]*)') }} as page_path,
    titles.page_title,
    pages.page_views,
    pages.users,
    pages.first_seen,
    pages.last_seen
from pages
left join titles
    on pages.property_id = titles.property_id
    and pages.page_key = titles.page_key
