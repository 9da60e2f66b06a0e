{{ publish_py("multiverse_choice") }}
