{{ publish_py("distance_decay") }}
