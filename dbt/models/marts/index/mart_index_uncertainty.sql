{{ publish_py("index_uncertainty") }}
