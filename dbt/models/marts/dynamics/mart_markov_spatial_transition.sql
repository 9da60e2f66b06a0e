{{ publish_py("markov_spatial_transition") }}
