{{ publish_py("index_validity") }}
