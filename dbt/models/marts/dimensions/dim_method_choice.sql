select choice_id, section::varchar as section, choice, provenance, source_ref, alternatives
from {{ ref('method_choice') }}
