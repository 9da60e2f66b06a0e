{{ publish_py("pilot_event") }}
