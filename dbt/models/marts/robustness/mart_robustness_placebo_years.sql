{{ publish_py("robustness_placebo_years") }}
