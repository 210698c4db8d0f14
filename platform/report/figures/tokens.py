"""Are the patch tokens all alike, and does it matter for the score?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import rankdata

from platform.report.figures.drawing import Drawing, Numbers, Tips
from platform.report.figures.scores import COLOURS, last_scores
from platform.report.figures.style import INK, OTHER, panels
from platform.report.searched import ScoreRow, Searched

_LEAST = 6  # trials, for a rank correlation


def token_figure(searched: Searched) -> Drawing | None:
    """Draw the similarity of patch tokens by block, and its rank correlation with the score."""
    last = last_scores(searched)
    ends = [rows[-1] for rows in searched.scores.values() if rows[-1]["token_similarity"]]
    if not last or not ends:
        return None
    blocks = len(ends[0]["token_similarity"])
    correlation = (
        _rank_correlation(searched, ends) if len(ends) >= _LEAST else [float("nan")] * blocks
    )
    rows = [
        (i + 1, *(row["token_similarity"][i] for row in last.values()), correlation[i])
        for i in range(blocks)
    ]
    return Drawing(
        key="token_similarity",
        title="Patch tokens",
        caption="Left: mean cosine of the patch tokens after each block; near 1 they are all "
        "alike, which is over-smoothing. Right: its rank correlation with the last score over all "
        "trials; below 0, trials with less similar tokens score higher.",
        alt=f"Similarity of patch tokens after each of {blocks} blocks.",
        numbers=Numbers(columns=("block", *last, "rank correlation with the score"), rows=rows),
        draw=partial(_draw_tokens, last, correlation),
    )


def _rank_correlation(searched: Searched, ends: Sequence[ScoreRow]) -> list[float]:
    """Return Spearman's correlation of the similarity after each block with the score."""
    scores = rankdata([searched.score_of(row) for row in ends])
    similarity = np.array([row["token_similarity"] for row in ends])  # (trials, blocks)
    return [float(np.corrcoef(scores, rankdata(column))[0, 1]) for column in similarity.T]


def _draw_tokens(
    last: Mapping[str, ScoreRow], correlation: list[float], width: int, tips: Tips
) -> Figure:
    is_known = not np.isnan(correlation).any()
    figure, (left, *right) = panels(width, 1 + is_known, 240, columns=2)
    blocks = np.arange(1, len(correlation) + 1)
    for name, row in last.items():
        similarity = row["token_similarity"]
        (line,) = left.plot(
            blocks, similarity, color=COLOURS[name], marker="o", markersize=4, label=name
        )
        tips.add(line, [name])
    left.set_xlabel("block")
    left.set_ylabel("mean cosine")
    left.set_xticks(blocks[:: max(1, len(blocks) // 12)])
    left.legend(labelcolor=INK)
    for axes in right:
        axes.axhline(0, color=OTHER, linewidth=1)
        axes.bar(blocks, correlation, color=OTHER, width=0.55)
        axes.set_ylim(-1, 1)
        axes.set_xticks(blocks[:: max(1, len(blocks) // 12)])
        axes.set_xlabel("block")
        axes.set_ylabel("rank correlation with the score")
    return figure
