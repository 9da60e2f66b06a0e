{{ publish_py("robustness_run") }}
