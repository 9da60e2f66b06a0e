{{ publish_py("interaction_effect") }}
