{{ publish_py("threshold_result") }}
