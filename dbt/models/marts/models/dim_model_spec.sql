{{ publish_py("model_spec") }}
