{{ publish_py("path_transition") }}
