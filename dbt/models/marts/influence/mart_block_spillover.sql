{{ publish_py("block_spillover") }}
