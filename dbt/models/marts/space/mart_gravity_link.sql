{{ publish_py("gravity_link") }}
