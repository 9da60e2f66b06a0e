{{ publish_py("market_segmentation") }}
