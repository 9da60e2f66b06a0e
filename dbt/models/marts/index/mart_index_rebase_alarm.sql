{{ publish_py("index_rebase_alarm") }}
