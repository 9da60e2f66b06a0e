{{ publish_py("border_barrier") }}
