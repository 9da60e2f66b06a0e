{{ publish_py("markov_summary") }}
