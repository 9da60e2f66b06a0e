{{ publish_py("network_summary") }}
