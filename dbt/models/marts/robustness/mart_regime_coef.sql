{{ publish_py("regime_coef") }}
