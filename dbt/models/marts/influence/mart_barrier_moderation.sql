{{ publish_py("barrier_moderation") }}
