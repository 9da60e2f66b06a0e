{{ publish_py("robustness") }}
