{{ publish_py("influence_run") }}
