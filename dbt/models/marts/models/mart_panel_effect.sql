{{ publish_py("panel_effect") }}
