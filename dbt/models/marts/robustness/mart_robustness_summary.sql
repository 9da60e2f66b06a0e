{{ publish_py("robustness_summary") }}
