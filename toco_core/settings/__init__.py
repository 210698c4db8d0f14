"""Every setting of a run, how to name one of them, and recipes as YAML."""

from toco_core.settings.recipe import (
    Backbone,
    Cam,
    Classifiers,
    ClassTokenContrast,
    Compute,
    Data,
    Decoder,
    Energy,
    LossWeights,
    Optimiser,
    Precision,
    Recipe,
    Scoring,
    Section,
    Stages,
    Thresholds,
)

__all__ = [
    "Backbone",
    "Cam",
    "ClassTokenContrast",
    "Classifiers",
    "Compute",
    "Data",
    "Decoder",
    "Energy",
    "LossWeights",
    "Optimiser",
    "Precision",
    "Recipe",
    "Scoring",
    "Section",
    "Stages",
    "Thresholds",
]
