{{ publish_py("index_contribution") }}
