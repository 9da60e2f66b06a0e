{{ publish_py("city_path") }}
