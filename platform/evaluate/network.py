"""Which network is looked at: what its checkpoint says of it, or the options do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from platform.datasets import resolve_dataset
from toco_core.checkpoint import load_checkpoint
from toco_core.data.reader import ParquetDataset, open_dataset
from toco_core.data.schema import DatasetInfo
from toco_core.data.storage import DatasetError
from toco_core.remote_files import absolute
from toco_core.settings import Recipe
from toco_core.settings.effects import first_iteration_of_term
from toco_core.trained_network import load_trained


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network that can be run.

    Attributes:
        checkpoint: absolute path, or URI.
        class_names: without background; None for an official checkpoint.
        iteration: None for an official checkpoint.
        trained_on: the labels of a second stage, in words; None for ToCo itself.
    """

    checkpoint: str
    recipe: Recipe
    official: bool
    class_names: tuple[str, ...] | None
    iteration: int | None
    trained_on: str | None = None

    @property
    def official_recipe(self) -> Recipe | None:
        """What a worker needs to know to load an official checkpoint."""
        return self.recipe if self.official else None

    @property
    def threshold_source(self) -> str:
        """Where the background threshold comes from, if no option says another."""
        whose = "the recipe" if self.official else "the checkpoint's recipe"
        return f"thresholds.bkg of {whose}"

    @property
    def head_warning(self) -> str | None:
        """What is to be said of a segmentation head that no step has trained; None of others."""
        if self.iteration is None or self.trained_on is not None:
            return None
        if first_iteration_of_term(self.recipe, "seg") < self.iteration:
            return None
        return (
            f"warning: no step has trained the segmentation head of this checkpoint (iteration "
            f"{self.iteration}, stages.segmentation {self.recipe.stages.segmentation}, weights.seg "
            f"{self.recipe.weights.seg:g}): what it says means nothing"
        )

    def require_cams(self, way_out: str) -> None:
        """Require CAMs, which a second stage has none of: its classifiers stay as they began.

        Args:
            way_out: what the message ends with.

        Raises:
            ValueError: it is a second stage.
        """
        if self.trained_on is not None:
            raise ValueError(
                f"{self.checkpoint} is a second stage, trained on {self.trained_on}; it has no "
                f"CAMs: {way_out}"
            )

    def open_data(
        self, data: str | None, progress: Callable[[int, int], None] | None = None
    ) -> tuple[str, ParquetDataset]:
        """Open the dataset of an option, or else that of the recipe; return its place too.

        Raises:
            ValueError: there is none.
        """
        source = self.recipe.data.source
        root = resolve_dataset(data or source, progress)
        try:
            return root, open_dataset(root)
        except DatasetError as error:
            if data is not None:
                raise
            raise ValueError(
                f"{error}; the recipe of {self.checkpoint} names it as {source}: say where it is "
                "now, --data"
            ) from error

    def require_classes(self, info: DatasetInfo, root: str, *, was_named: bool) -> None:
        """Require the dataset to have the classes that the network knows.

        Args:
            info: of the dataset.
            root: of the dataset, for the message.
            was_named: whether the dataset is that of an option, not of the recipe.

        Raises:
            ValueError: it has others; or an official checkpoint does not fit its recipe and their
                number, which is tried here: workers could only tell it late.
        """
        if self.class_names is None:
            load_trained(self.checkpoint, info.num_classes, self.official_recipe)
        elif info.class_names != self.class_names:
            way_out = "--data must name one of the same classes, in the same order"
            raise ValueError(
                f"the checkpoint's classes {', '.join(self.class_names)} are not those of {root}:"
                f" {', '.join(info.class_names)}; "
                + (way_out if was_named else "name its dataset by --data")
            )


def read_network(checkpoint: str, official: Recipe | None) -> Network:
    """Read what there is to know before the dataset is opened.

    Raises:
        ValueError: a training checkpoint cannot be read.
    """
    checkpoint = absolute(checkpoint)
    if official is not None:
        return Network(
            checkpoint=checkpoint, recipe=official, official=True, class_names=None, iteration=None
        )
    content = load_checkpoint(checkpoint)
    return Network(
        checkpoint=checkpoint,
        recipe=content.recipe,
        official=False,
        class_names=content.class_names,
        iteration=content.iteration,
        trained_on=content.trained_on,
    )
