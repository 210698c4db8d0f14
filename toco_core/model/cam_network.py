"""The part of ToCo that makes CAMs, in bfloat16 throughout."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from toco_core.model.toco import ToCo
from toco_core.tensor_lists import copy_all


class CamNetwork(nn.Module):
    """A copy of encoder and classifiers whose weights and activations are all bfloat16.

    The passes of the multi-scale CAM have no gradient: autocast would cast every weight anew in
    each of them, and keep the sum along the blocks in float32 for nobody.

    Args:
        model: whose CAMs these are; `follow` takes its weights.
    """

    def __init__(self, model: ToCo) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(model.encoder)
        self.encoder.recomputation.end()
        self.classifier = copy.deepcopy(model.classifier)
        self.aux_classifier = copy.deepcopy(model.aux_classifier)
        self.requires_grad_(False).to(torch.bfloat16).eval()
        parts = (model.encoder, model.classifier, model.aux_classifier)
        self._sources = [weight for part in parts for weight in part.parameters()]

    def follow(self) -> None:
        """Take the weights that the model has now."""
        copy_all(self.parameters(), self._sources)

    @torch.no_grad()
    def raw_cams(self, images: Tensor) -> Tensor:
        """Return the raw CAMs of both classifiers, (B, 2 C, h, w): final, then auxiliary."""
        with torch.autocast(images.device.type, enabled=False):  # it would norm in float32
            encoded = self.encoder(images.bfloat16())
            cams = self.classifier(encoded.tokens), self.aux_classifier(encoded.aux_tokens)
            return torch.cat(cams, dim=1)
