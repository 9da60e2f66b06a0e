{{ publish_py("index_weight") }}
