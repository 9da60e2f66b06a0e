{{ publish_py("markov_test") }}
