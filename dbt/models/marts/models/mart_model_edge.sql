{{ publish_py("model_edge") }}
