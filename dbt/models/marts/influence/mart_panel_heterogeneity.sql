{{ publish_py("panel_heterogeneity") }}
