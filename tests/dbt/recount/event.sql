-- The events of an export, and the day of each in the property's time zone.
create or replace table event as
with

rows_that_count as (
    select * exclude (copy)
    from (select *, row_number() over (partition by whole order by line) as copy from row_of_export)
    where copy = 1 or not getvariable('exact_copies_are_one')
)

select
    * replace (
        case when storage = 'No' and getvariable('denied_belongs_to_no_one') then null else device end as device
    ),
    case
        when getvariable('a_wrong_clock_stays_near_its_export_day')
            then greatest(least(day_of(ts), export_day + 1), export_day - 3)
        else day_of(ts)
    end as day
from rows_that_count;
