"""Plans: what a key does to an image, as plain data. Compose, invert, apply; the kernels."""

from pixelveil.plans.affine import AffinePlan
from pixelveil.plans.forward import ForwardPlan, Operation
from pixelveil.plans.lane import LanePlan

__all__ = ["AffinePlan", "ForwardPlan", "LanePlan", "Operation", "Plan"]

Plan = LanePlan | AffinePlan | ForwardPlan
