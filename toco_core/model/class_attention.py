"""The last block of a ViT, run for its class token alone."""

from __future__ import annotations

import torch.nn.functional as F
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from toco_core.model.attention import JoinedAttention, split_heads


def class_token_of(block: nn.Module, x: Tensor) -> Tensor:
    """Return the class token after a block: (B, 1 + N, D) -> (B, 1, D).

    CTC reads nothing else of the second view and of the local crops. All tokens are attended to,
    but queries, projection and MLP, five sixths of the products of the block, are for one token.
    """
    if not isinstance(block, Block) or not isinstance(block.attn, Attention):
        return block(x)[:, :1]
    if type(block.attn) not in (Attention, JoinedAttention):  # a subclass that may do anything
        return block(x)[:, :1]
    token = x[:, :1] + block.drop_path1(block.ls1(_attend(block.attn, block.norm1(x))))
    return token + block.drop_path2(block.ls2(block.mlp(block.norm2(token))))


def _attend(attention: Attention, x: Tensor) -> Tensor:
    """Let the first token attend to all tokens: (B, 1 + N, D) -> (B, 1, D)."""
    if attention.gate is not None:
        return attention(x)[:, :1]
    width, bias = attention.attn_dim, attention.qkv.bias
    query_weight, rest_weight = attention.qkv.weight.split([width, 2 * width])
    query_bias, rest_bias = (None, None) if bias is None else bias.split([width, 2 * width])
    (query,) = split_heads(F.linear(x[:, :1], query_weight, query_bias), 1, attention)
    key, value = split_heads(F.linear(x, rest_weight, rest_bias), 2, attention)
    query = attention.q_norm(query)  # (B, h, 1, d); keys and values (B, h, 1 + N, d)
    drop = attention.attn_drop.p if attention.training else 0.0
    attended = F.scaled_dot_product_attention(query, attention.k_norm(key), value, dropout_p=drop)
    attended = attention.norm(attended.transpose(1, 2).flatten(2))  # (B, 1, D)
    return attention.proj_drop(attention.proj(attended))
