{{ publish_py("panel_effect_city") }}
