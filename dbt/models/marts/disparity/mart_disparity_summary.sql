{{ publish_py("disparity_summary") }}
