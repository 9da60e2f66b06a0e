{{ publish_py("city_state") }}
