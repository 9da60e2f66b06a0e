{{ publish_py("sensitivity") }}
