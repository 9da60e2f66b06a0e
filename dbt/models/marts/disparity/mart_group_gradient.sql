{{ publish_py("group_gradient") }}
