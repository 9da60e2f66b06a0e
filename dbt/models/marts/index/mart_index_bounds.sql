{{ publish_py("index_bounds") }}
