{{ publish_py("weight_matrix") }}
