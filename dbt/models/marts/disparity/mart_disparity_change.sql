{{ publish_py("disparity_change") }}
