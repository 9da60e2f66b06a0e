{{ publish_py("multiverse") }}
