{{ publish_py("county_moran") }}
