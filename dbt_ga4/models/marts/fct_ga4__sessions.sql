{{ config(materialized='view') }}

select
    identities.user_key,
    sessions.*
from {{ ref('int_ga4__sessions') }} as sessions
inner join {{ ref('int_ga4__identity_map') }} as identities on sessions.client_key = identities.client_key
