{{ publish_py("dagum_within") }}
