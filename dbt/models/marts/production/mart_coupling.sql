{{ publish_py("coupling") }}
