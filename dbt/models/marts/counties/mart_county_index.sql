{{ publish_py("county_index") }}
