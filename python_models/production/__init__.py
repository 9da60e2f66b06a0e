"""Production relations: engines of docs/formulas.md#relations. Arrays in, frozen results out.

Does not belong here: the index of productive forces (measurement), and what either does to the other (regression).
"""

from python_models.production.attention import Attention, Dictionary, digital_attention
from python_models.production.coupling import Coupling, common_scale, coordination_class, coupling, lead_lag
from python_models.production.engines import (
    Elasticities,
    Misallocation,
    Segmentation,
    krugman,
    location_quotient,
    misallocation,
    output_elasticities,
    perpetual_inventory,
    segmentation,
)

__all__ = [
    "Attention",
    "Coupling",
    "Dictionary",
    "Elasticities",
    "Misallocation",
    "Segmentation",
    "common_scale",
    "coordination_class",
    "coupling",
    "digital_attention",
    "krugman",
    "lead_lag",
    "location_quotient",
    "misallocation",
    "output_elasticities",
    "perpetual_inventory",
    "segmentation",
]
