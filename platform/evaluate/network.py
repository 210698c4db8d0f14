"""Which network is looked at: what its checkpoint says of it, or the options do."""

from __future__ import annotations

from dataclasses import dataclass

from toco_core.checkpoint import load_checkpoint
from toco_core.data.schema import DatasetInfo
from toco_core.remote_files import absolute
from toco_core.settings import Recipe
from toco_core.trained_network import load_trained


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network that can be run."""

    checkpoint: str  # absolute path, or URI
    recipe: Recipe
    official: bool
    class_names: tuple[str, ...] | None  # without background; None for an official checkpoint
    iteration: int | None  # None for an official checkpoint

    @property
    def official_recipe(self) -> Recipe | None:
        """What a worker needs to know to load an official checkpoint."""
        return self.recipe if self.official else None

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
    )
