{{ publish_py("county_transition") }}
