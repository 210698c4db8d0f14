"""The network of ToCo: a Vision Transformer, two classifiers, a decoder and a projection head."""

from toco_core.model.toco import ToCo, ToCoOutput, build_model

__all__ = ["ToCo", "ToCoOutput", "build_model"]
