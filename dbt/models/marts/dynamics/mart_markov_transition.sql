{{ publish_py("markov_transition") }}
