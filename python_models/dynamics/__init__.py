"""Dynamics of a panel of relative positions: densities, transitions, convergence, clubs; axes (N, T): units, years.

Does not belong here: regression, dispersion of one year (inequality).
"""

from python_models.dynamics.beta import BetaResult, beta_convergence
from python_models.dynamics.chain import ErgodicResult, ergodic
from python_models.dynamics.clubs import ClubResult, find_clubs, merge_clubs
from python_models.dynamics.clubs_stability import ClubStability, club_stability
from python_models.dynamics.homogeneity import HomogeneityResult
from python_models.dynamics.kernel import KernelDensity, kernel_density
from python_models.dynamics.logt import LogTResult, log_t
from python_models.dynamics.markov import MarkovResult, markov
from python_models.dynamics.modality import ModalityTest, unimodality
from python_models.dynamics.sigma import SigmaConvergence, SigmaTrend, sigma_convergence, sigma_trend
from python_models.dynamics.spatial_markov import SpatialMarkovResult, spatial_markov
from python_models.dynamics.stochastic_kernel import StochasticKernel, stochastic_kernel

__all__ = [
    "BetaResult",
    "ClubResult",
    "ClubStability",
    "ErgodicResult",
    "HomogeneityResult",
    "KernelDensity",
    "LogTResult",
    "MarkovResult",
    "ModalityTest",
    "SigmaConvergence",
    "SigmaTrend",
    "SpatialMarkovResult",
    "StochasticKernel",
    "beta_convergence",
    "club_stability",
    "ergodic",
    "find_clubs",
    "kernel_density",
    "log_t",
    "markov",
    "merge_clubs",
    "sigma_convergence",
    "sigma_trend",
    "spatial_markov",
    "stochastic_kernel",
    "unimodality",
]
