{{ publish_py("network_city") }}
