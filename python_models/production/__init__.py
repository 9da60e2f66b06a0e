"""Production relations: engines of docs/formulas.md#relations. Arrays in, frozen results out.

`misallocation` and `output_elasticities` (Chen-Hu), `perpetual_inventory` (capital stock), `segmentation` (relative
prices), `location_quotient` (protection of intellectual property), `digital_attention` (work-report text), `krugman`
and `functional_specialisation` (division of labour), `coupling` (coordination of systems).
"""

from python_models.production.attention import Attention, Dictionary, digital_attention
from python_models.production.capital import perpetual_inventory
from python_models.production.coupling import Coupling, common_scale, coordination_class, coupling, lead_lag
from python_models.production.elasticity import Elasticities, output_elasticities
from python_models.production.misallocation import Misallocation, misallocation
from python_models.production.segmentation import Segmentation, segmentation
from python_models.production.specialisation import functional_specialisation, krugman, location_quotient

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
    "functional_specialisation",
    "krugman",
    "lead_lag",
    "location_quotient",
    "misallocation",
    "output_elasticities",
    "perpetual_inventory",
    "segmentation",
]
