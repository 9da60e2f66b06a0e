{{ publish_py("index_rank_agreement") }}
