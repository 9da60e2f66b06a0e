{{ publish_py("block_lag") }}
