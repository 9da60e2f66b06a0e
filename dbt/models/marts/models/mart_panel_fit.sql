{{ publish_py("panel_fit") }}
