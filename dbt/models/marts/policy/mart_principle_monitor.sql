{{ publish_py("principle_monitor") }}
