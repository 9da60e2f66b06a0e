{{ publish_py("index_weight_stability") }}
