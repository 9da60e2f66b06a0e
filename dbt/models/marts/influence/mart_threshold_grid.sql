{{ publish_py("threshold_grid") }}
