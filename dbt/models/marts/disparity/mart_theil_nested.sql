{{ publish_py("theil_nested") }}
