{{ publish_py("index_uncertainty_effect") }}
