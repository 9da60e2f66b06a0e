{{ publish_py("sigma_trend") }}
