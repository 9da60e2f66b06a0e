{{ publish_py("moran_global") }}
