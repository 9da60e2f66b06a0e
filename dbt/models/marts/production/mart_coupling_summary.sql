{{ publish_py("coupling_summary") }}
