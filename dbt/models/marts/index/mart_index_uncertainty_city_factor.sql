{{ publish_py("index_uncertainty_city_factor") }}
