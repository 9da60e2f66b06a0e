{{ publish_py("spatial_weight_edge") }}
