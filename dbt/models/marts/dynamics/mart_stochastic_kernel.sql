{{ publish_py("stochastic_kernel") }}
