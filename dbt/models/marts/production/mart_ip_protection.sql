{{ publish_py("ip_protection") }}
