{{ publish_py("iv_diagnostic") }}
