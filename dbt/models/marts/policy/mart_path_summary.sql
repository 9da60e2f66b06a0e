{{ publish_py("path_summary") }}
