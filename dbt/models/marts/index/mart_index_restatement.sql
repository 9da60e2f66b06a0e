{{ publish_py("index_restatement") }}
