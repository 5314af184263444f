-- Events a day and name: "the number of times users triggered an event" (9143382, event count).
select day, name, count(*) as events
from event
group by all
