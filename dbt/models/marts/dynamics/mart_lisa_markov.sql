{{ publish_py("lisa_markov") }}
