{{ publish_py("model_weight") }}
