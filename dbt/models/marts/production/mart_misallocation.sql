{{ publish_py("misallocation") }}
