"""The ToCo network: encoder, two classifiers, decoder, projection head and its teacher."""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from toco_core.model.backbones import build_backbone
from toco_core.model.encoder import Encoder
from toco_core.model.heads import LargeFOV, ProjectionHead
from toco_core.settings import Classifiers, ClassTokenContrast, Decoder, Recipe
from toco_core.settings.patches import require_patches


class ToCoOutput(NamedTuple):
    """One pass over B images; (h, w) is the token grid, C the classes without background."""

    cls: Tensor  # (B, C) logits of the final classifier
    cls_aux: Tensor  # (B, C) logits of the auxiliary classifier
    seg: Tensor | None  # (B, C + 1, h, w) logits, unless the decoder was skipped
    class_token: Tensor  # (B, D)
    tokens: Tensor  # (B, D, h, w) final patch tokens
    aux_tokens: Tensor  # (B, D, h, w) auxiliary patch tokens
    cam_raw: Tensor  # (B, C, h, w) before ReLU and normalisation
    cam_aux_raw: Tensor  # (B, C, h, w)
    blocks: tuple[Tensor, ...] = ()  # (B, h * w, D) patch tokens of every block, if they were kept
    second_token: Tensor | None = None  # (B, D) class token of a second view, if there was one

    @property
    def raw_cams(self) -> Tensor:
        """The raw CAMs of both classifiers, (B, 2 C, h, w): final, then auxiliary."""
        return torch.cat([self.cam_raw, self.cam_aux_raw], dim=1)


class ToCo(nn.Module):
    """Token Contrast for weakly supervised segmentation (paper, figure 2).

    Args:
        encoder: its auxiliary tokens feed the auxiliary classifier and the relations of PTC.
        num_classes: without background.
        decoder: settings of the segmentation head.
        ctc: settings of the projection head and its teacher.
        classifiers: how they begin.
    """

    def __init__(
        self,
        encoder: Encoder,
        num_classes: int,
        decoder: Decoder,
        ctc: ClassTokenContrast,
        classifiers: Classifiers | None = None,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.momentum = ctc.momentum
        self.encoder = encoder
        self.classifier = nn.Conv2d(encoder.embed_dim, num_classes, 1, bias=False)
        self.aux_classifier = nn.Conv2d(encoder.embed_dim, num_classes, 1, bias=False)
        # From zero: a random classifier sees classes in places before it has learnt any, and as it
        # only ever reads the maximum of each channel, it may settle on a CAM that is inverted. On
        # PartScenes that cost two seeds of three a third of their CAM mIoU after 60 iterations.
        if (classifiers or Classifiers()).init == "zero":
            nn.init.zeros_(self.classifier.weight)
            nn.init.zeros_(self.aux_classifier.weight)
        self.decoder = LargeFOV(encoder.embed_dim, num_classes, decoder)
        self.projection = ProjectionHead(encoder.embed_dim, ctc)
        self.teacher_projection = copy.deepcopy(self.projection).requires_grad_(False)

    def forward(
        self,
        images: Tensor,
        segment: bool = True,
        keep_blocks: bool = False,
        second: Tensor | None = None,
    ) -> ToCoOutput:
        """Run encoder, classifiers and decoder on normalised images (B, 3, H, W).

        Args:
            images: ImageNet-normalised.
            segment: False to skip the decoder.
            keep_blocks: return the patch tokens of every block as well.
            second: (B, 3, H, W) views whose class token is computed in the same pass.
        """
        second_token = None
        if second is None:
            encoded = self.encoder(images, keep_blocks=keep_blocks)
        else:
            encoded, second_token = self.encoder.forward_pair(images, second)
        class_token, tokens, aux_tokens, blocks = encoded
        return ToCoOutput(
            cls=_classify(tokens, self.classifier),
            cls_aux=_classify(aux_tokens, self.aux_classifier),
            seg=self.decoder(tokens) if segment else None,
            class_token=class_token,
            tokens=tokens,
            aux_tokens=aux_tokens,
            cam_raw=self.classifier(tokens),
            cam_aux_raw=self.aux_classifier(aux_tokens),
            blocks=blocks,
            second_token=second_token,
        )

    def raw_cams(self, images: Tensor) -> Tensor:
        """Return the raw CAMs of both classifiers, (B, 2 C, h, w): final, then auxiliary."""
        encoded = self.encoder(images)
        cams = self.classifier(encoded.tokens), self.aux_classifier(encoded.aux_tokens)
        return torch.cat(cams, dim=1)

    def segment(self, images: Tensor) -> Tensor:
        """Run encoder and decoder alone: (B, 3, H, W) to logits (B, C + 1, h, w)."""
        return self.decoder(self.encoder(images).tokens)

    def class_token(self, images: Tensor) -> Tensor:
        """Return the class token alone, (B, D): that of `forward`, with less work."""
        return self.encoder.class_token(images)

    def project(self, class_tokens: Tensor) -> Tensor:
        """Project class tokens (V, D) -> (V, K) with the student's head."""
        return self.projection(class_tokens)

    @torch.no_grad()
    def project_by_teacher(self, class_tokens: Tensor, *, update: bool = True) -> Tensor:
        """Move the teacher's head towards the student's, then project (V, D) -> (V, K) with it.

        Update and use are one call, because the teacher is updated just before its use in a step.

        Args:
            class_tokens: (V, D).
            update: False for the later parts of a step that is done in several.
        """
        if update:
            self._move_teacher()
        return self.teacher_projection(class_tokens)

    def _move_teacher(self) -> None:
        pairs = zip(self.teacher_projection.parameters(), self.projection.parameters(), strict=True)
        for teacher, student in pairs:
            teacher.lerp_(student, 1 - self.momentum)


def build_model(recipe: Recipe, num_classes: int, *, pretrained: bool = True) -> ToCo:
    """Build the network of a recipe; what is initialised at random follows from its seed alone.

    Args:
        recipe: backbone, heads and seed.
        num_classes: without background.
        pretrained: False if all weights are about to be loaded: the backbone's are not asked for.

    Raises:
        ValueError: the backbone, its weights, its auxiliary layer or the sizes of its inputs are
            impossible.
    """
    backbone = recipe.backbone
    if not pretrained:
        backbone = backbone.model_copy(update={"weights": "random"})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        encoder = Encoder(build_backbone(backbone), backbone.aux_layer)
        require_patches(recipe, max(encoder.patch_size))
        return ToCo(encoder, num_classes, recipe.decoder, recipe.ctc, recipe.classifiers)


def _classify(tokens: Tensor, classifier: nn.Conv2d) -> Tensor:
    """Classify the global maximum over patch tokens: (B, D, h, w) -> (B, C)."""
    return classifier(strongest(tokens)[:, :, None, None]).flatten(1)


def strongest(tokens: Tensor) -> Tensor:
    """Return the maximum of each channel over all patch tokens: (B, D, h, w) -> (B, D).

    Of equal tokens the first gets the gradient, as in `adaptive_max_pool2d`, whose gradient adds up
    in no fixed order on a GPU.
    """
    return tokens.flatten(2).max(dim=2).values
