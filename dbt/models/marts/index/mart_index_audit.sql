{{ publish_py("index_audit") }}
