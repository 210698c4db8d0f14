"""The ViT encoder of ToCo: class token, final patch tokens, and those of an earlier block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from timm.layers.pos_embed import resample_abs_pos_embed
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from toco_core.model.attention import join_gradients
from toco_core.model.backbones import require_supported
from toco_core.model.class_attention import class_token_of
from toco_core.model.patches import embed_patches
from toco_core.model.recomputation import Recomputation


class Encoded(NamedTuple):
    """Tokens of a batch of images; (h, w) is the token grid."""

    class_token: Tensor  # (B, D)
    tokens: Tensor  # (B, D, h, w), final block, layer-normed
    aux_tokens: Tensor  # (B, D, h, w), block `aux_layer`
    blocks: tuple[Tensor, ...]  # (B, h * w, D) for every block, or empty


class _Positions(NamedTuple):
    """Positions of one grid, and what they were made of."""

    resized: Tensor
    source: Tensor
    version: int  # of the source

    def is_of(self, source: Tensor) -> bool:
        """Whether they still are those of the source, which may be loaded anew, or moved."""
        place = (self.resized.device, self.resized.dtype)
        unchanged = self.source is source and self.version == source._version
        return unchanged and place == (source.device, source.dtype)


class Encoder(nn.Module):
    """Run a timm VisionTransformer and keep what ToCo needs of it (paper, section 3.1).

    Args:
        vit: its position embedding is frozen, and resized to the token grid of every input.
        aux_layer: the block of the auxiliary tokens, counted like a list index (-1 is the last).

    Raises:
        ValueError: `vit` cannot carry ToCo, or it has no block `aux_layer`.
    """

    def __init__(self, vit: VisionTransformer, aux_layer: int) -> None:
        super().__init__()
        self.vit = require_supported(vit, type(vit).__name__)
        join_gradients(vit)
        self.aux_layer = resolve_layer(aux_layer, len(vit.blocks))
        self.recompute_blocks = False  # activation checkpointing: less memory, more work
        self.frozen = False  # no gradient reaches it, and none is computed
        self._positions.requires_grad_(False)
        self._resized: dict[tuple[int, int], _Positions] = {}
        self.recomputation = Recomputation(vit)

    @property
    def embed_dim(self) -> int:
        return self.vit.embed_dim

    @property
    def patch_size(self) -> tuple[int, int]:
        return self.vit.patch_embed.patch_size

    @property
    def _positions(self) -> nn.Parameter:
        assert self.vit.pos_embed is not None  # required on construction
        return self.vit.pos_embed

    @property
    def is_stochastic(self) -> bool:
        """Whether two training passes over the same image differ (drop path, dropout)."""
        return any(_drop_rate(module) > 0 for module in self.vit.modules())

    def forward(self, images: Tensor, keep_blocks: bool = False) -> Encoded:
        """Encode `images` (B, 3, H, W) of any size; what does not fill a patch is cut off.

        Args:
            images: ImageNet-normalised, float.
            keep_blocks: return the patch tokens of every block as well.
        """
        with self._gradient():
            return self._encode(images, keep_blocks)

    def _encode(self, images: Tensor, keep_blocks: bool) -> Encoded:
        grid = self.grid(images.shape[-2], images.shape[-1])
        last = len(self.vit.blocks) - 1
        # Without gradient, a block output that nobody asks for is freed at once.
        wanted = range(last + 1) if keep_blocks else (self.aux_layer, last)
        outputs = {i: x for i, x in enumerate(self.block_outputs(images)) if i in wanted}
        final = outputs[last]
        prefix = self.vit.num_prefix_tokens
        return Encoded(
            class_token=final[:, 0],
            tokens=_as_map(final[:, prefix:], grid),
            aux_tokens=_as_map(outputs[self.aux_layer][:, prefix:], grid),
            blocks=tuple(x[:, prefix:] for x in outputs.values()) if keep_blocks else (),
        )

    def forward_pair(self, images: Tensor, second: Tensor) -> tuple[Encoded, Tensor]:
        """Encode `images` as `forward`, and `second` as `class_token`, in one pass.

        Both (B, 3, H, W). Products of twice as many rows, in half as many kernels, fill a GPU
        better; the last block alone differs.
        """
        x, grid = self._embed(torch.cat([images, second]))
        aux = x
        for index, block in enumerate(self.vit.blocks[:-1]):
            x = self._run(block, x)
            aux = x if index == self.aux_layer else aux
        last, (first, other) = self.vit.blocks[-1], x.chunk(2)
        final = self.vit.norm(self._run(last, first))
        aux = final if self.aux_layer == len(self.vit.blocks) - 1 else aux.chunk(2)[0]
        token = self.vit.norm(self._run(partial(class_token_of, last), other))[:, 0]
        prefix = self.vit.num_prefix_tokens
        tokens, aux_tokens = (_as_map(one[:, prefix:], grid) for one in (final, aux))
        return Encoded(final[:, 0], tokens, aux_tokens, ()), token

    def block_outputs(self, images: Tensor) -> Iterator[Tensor]:
        """Yield the tokens after each block, (B, prefix + h * w, D), the last ones layer-normed.

        The prefix is the class token, and registers where the network has them.
        """
        x, _ = self._embed(images)
        for block in self.vit.blocks[:-1]:
            x = self._run(block, x)
            yield x
        yield self.vit.norm(self._run(self.vit.blocks[-1], x))

    def class_token(self, images: Tensor) -> Tensor:
        """Return the class token alone, (B, D): that of `forward`, with less work."""
        with self._gradient():
            x, _ = self._embed(images)
            for block in self.vit.blocks[:-1]:
                x = self._run(block, x)
            return self.vit.norm(self._run(partial(class_token_of, self.vit.blocks[-1]), x))[:, 0]

    def compile_blocks(self) -> None:
        """Compile each block at its first use, once for every size of its input."""
        self.recomputation.end()  # a compiled block decides itself what it keeps
        for block in self.vit.blocks:
            block.compile()

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Return the token grid of an image of this size, px.

        Raises:
            ValueError: it is smaller than a patch.
        """
        patch_height, patch_width = self.patch_size
        grid = height // patch_height, width // patch_width
        if 0 in grid:
            patch = f"{patch_height}x{patch_width}"
            raise ValueError(f"an image of {height}x{width} px is smaller than a patch, {patch} px")
        return grid

    def _gradient(self) -> torch.set_grad_enabled:
        return torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen)

    def _run(self, block: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            return block(x)
        if self.recompute_blocks:
            return checkpoint(block, x, use_reentrant=False)
        with self.recomputation.in_force():
            return block(x)

    def _embed(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        grid = self.grid(images.shape[-2], images.shape[-1])
        # timm's PatchEmbed would refuse other sizes than its own, its convolution does not.
        patches = embed_patches(images, self.vit.patch_embed.proj)  # (B, h * w, D)
        return self._with_positions(self.vit.patch_embed.norm(patches), grid), grid

    def _with_positions(self, patches: Tensor, grid: tuple[int, int]) -> Tensor:
        vit = self.vit
        prefix = [token for token in (vit.cls_token, vit.reg_token) if token is not None]
        prefix = [token.expand(len(patches), -1, -1) for token in prefix]
        positions = self._positions_of(grid)  # (1, prefix + h * w, D)
        if vit.no_embed_class:  # positions are of the patches only
            x = torch.cat([*prefix, patches + positions], dim=1)
        else:
            x = torch.cat([*prefix, patches], dim=1) + positions
        return vit.norm_pre(vit.patch_drop(vit.pos_drop(x)))

    def _positions_of(self, grid: tuple[int, int]) -> Tensor:
        """Resize the position embedding to a grid; it is frozen, so once for each is enough."""
        known = self._resized.get(grid)
        if known is None or not known.is_of(self._positions):
            resized = self._resize_positions(grid)
            known = _Positions(resized, self._positions, self._positions._version)
            self._resized[grid] = known
        return known.resized

    @torch.no_grad()
    def _resize_positions(self, grid: tuple[int, int]) -> Tensor:
        vit = self.vit
        return resample_abs_pos_embed(
            self._positions,
            new_size=list(grid),
            old_size=list(vit.patch_embed.grid_size),
            num_prefix_tokens=0 if vit.no_embed_class else vit.num_prefix_tokens,
            antialias=False,
        )


def resolve_layer(aux_layer: int, depth: int) -> int:
    """Return `aux_layer` counted from 0.

    Raises:
        ValueError: a backbone of `depth` blocks has no such block.
    """
    if not -depth <= aux_layer < depth:
        raise ValueError(
            f"backbone.aux_layer {aux_layer} is out of range: a backbone of {depth} blocks "
            f"has {-depth} to {depth - 1}"
        )
    return aux_layer % depth


def _as_map(tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    return tokens.transpose(1, 2).unflatten(2, grid)  # (B, h * w, D) -> (B, D, h, w)


def _drop_rate(module: nn.Module) -> float:
    if isinstance(module, nn.Dropout):
        return module.p
    return float(getattr(module, "drop_prob", 0.0) or 0.0)
