{{ publish_py("robustness_placebo") }}
