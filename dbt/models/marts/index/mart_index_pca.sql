{{ publish_py("index_pca") }}
