{{ publish_py("county_result") }}
