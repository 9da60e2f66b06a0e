{{ publish_py("dynamic_effect") }}
