{{ publish_py("theil_region") }}
