{{ config(materialized='view') }}

with {{ properties_and_as_of_dates() }},

{{ identities_as_of() }}

select as_of, client_key, user_key
from identities
