"""The count of what trials share, on searches whose outcome can be worked out."""

from __future__ import annotations

import pytest

from benchmarks.shared_prefixes import Count, SharedSearch, space_of


@pytest.mark.parametrize(("recipe", "stage"), [("coco_vit_b", 8000), ("voc_vit_b", 2000)])
def test_all_but_the_first_trial_share_what_comes_before_the_segmentation(
    recipe: str, stage: int
) -> None:
    space = space_of(recipe, "segmentation")
    search = SharedSearch(space, trials=4, pruner="none")
    whole = 4 * space.recipe.iterations
    assert search.run() == Count(reached=whole, shared=3 * stage, forked=3, saved=1)


def test_contrast_weights_matter_on_voc_from_the_first_step() -> None:
    search = SharedSearch(space_of("voc_vit_b", "loss_weights"), trials=4, pruner="none")
    assert search.run() == Count(reached=80_000, shared=0, forked=0, saved=0)
