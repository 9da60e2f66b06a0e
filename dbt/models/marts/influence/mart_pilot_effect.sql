{{ publish_py("pilot_effect") }}
