{{ publish_py("county_inequality") }}
