{{ publish_py("edit_recall") }}
