{{ publish_py("beta_convergence") }}
