{{ publish_py("panel_test") }}
