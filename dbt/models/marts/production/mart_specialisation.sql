{{ publish_py("specialisation") }}
