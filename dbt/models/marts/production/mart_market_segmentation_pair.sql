{{ publish_py("market_segmentation_pair") }}
