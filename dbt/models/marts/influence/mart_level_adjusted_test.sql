{{ publish_py("level_adjusted_test") }}
