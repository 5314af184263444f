-- Views a day and page: page_view and screen_view events; repeated views of a page are counted (9143382, views).
select day, page_of(page_location) as page, count(*) as views
from event
where name in ('page_view', 'screen_view')
group by all
