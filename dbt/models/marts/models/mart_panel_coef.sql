{{ publish_py("panel_coef") }}
