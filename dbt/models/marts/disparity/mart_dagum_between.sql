{{ publish_py("dagum_between") }}
