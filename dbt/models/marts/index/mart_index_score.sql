{{ publish_py("index_score") }}
