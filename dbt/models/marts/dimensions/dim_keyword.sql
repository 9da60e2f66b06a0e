select dict_version, group_name, term, is_active
from {{ ref('keyword') }}
