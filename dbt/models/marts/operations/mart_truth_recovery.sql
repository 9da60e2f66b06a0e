{{ publish_py("truth_recovery") }}
