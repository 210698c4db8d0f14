"""The dense energy loss by its public name."""

from toco_core.losses.energy import DenseEnergyLoss

__all__ = ["DenseEnergyLoss"]
