{{ publish_py("markov_passage") }}
