"""What ToCo puts on top of the encoder: the LargeFOV decoder and the projection head of CTC."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from toco_core.settings import ClassTokenContrast, Decoder


class LargeFOV(nn.Module):
    """Segment patch tokens with two dilated convolutions (Chen et al., DeepLab-LargeFOV)."""

    def __init__(self, embed_dim: int, num_classes: int, settings: Decoder) -> None:
        super().__init__()
        width, dilation = settings.channels, settings.dilation
        self.conv6 = nn.Conv2d(embed_dim, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.conv7 = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.conv8 = nn.Conv2d(width, num_classes + 1, 1, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits (B, C + 1, h, w), background first, for tokens (B, D, h, w)."""
        # Tokens lie in memory with their channels last, the weights do not: one of them has to
        # be turned round at each use. On a CPU tokens are fewer; the tensor cores of a GPU want
        # the channels last.
        maps = F.relu(self.conv6(tokens if tokens.is_cuda else tokens.contiguous()))
        return self.conv8(F.relu(self.conv7(maps)))


class ProjectionHead(nn.Module):
    """Project class tokens for CTC: the head of DINO (Caron et al., 2021)."""

    def __init__(self, embed_dim: int, settings: ClassTokenContrast) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(embed_dim, settings.hidden),
            nn.GELU(),
            nn.Linear(settings.hidden, settings.hidden),
            nn.GELU(),
            nn.Linear(settings.hidden, settings.bottleneck),
        )
        for layer in self.mlp:
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)
        self.last_layer = nn.Linear(settings.bottleneck, settings.output, bias=False)

    def forward(self, class_tokens: Tensor) -> Tensor:
        """Return projections (V, K) of class tokens (V, D)."""
        bottleneck = F.normalize(self.mlp(class_tokens), dim=-1)
        # Weight normalisation whose gain is fixed at 1 is nothing but rows of length 1.
        return F.linear(bottleneck, F.normalize(self.last_layer.weight, dim=1))
