{{ publish_py("index_drop_one") }}
