{{ publish_py("county_regression") }}
