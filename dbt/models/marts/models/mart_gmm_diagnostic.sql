{{ publish_py("gmm_diagnostic") }}
