"""What a person should know about a folder, its table and its masks, a line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from toco_core.data.sources.folder_files import FolderFiles, image_suffix
from toco_core.data.sources.folder_images import FolderEntry
from toco_core.data.sources.folder_masks import Masks
from toco_core.data.sources.label_table import LabelTable

NAMED = 5  # classes in a remark


def file_notes(
    entries: Collection[FolderEntry], files: FolderFiles, masks: Masks, masks_used: int
) -> Iterator[str]:
    """Yield which files belong to nothing, and which masks to no split."""
    images = sum(bool(image_suffix(file)) for file in files.paths)
    listed = sum(entry.path in files.paths for entry in entries)
    with_mask = len(masks.of_image)
    yield f"images with a mask: {with_mask}; images that are not in the table: {images - listed}"
    if masks.others:
        yield (
            f"files among the masks that are of no image of the table: {len(masks.others)}, such "
            f"as {masks.others[0]}"
        )
    if with_mask > masks_used:
        yield (
            f"masks that are in neither tune nor report: {with_mask - masks_used} of {with_mask}; "
            "all are in one with --tune masks:50% --report masks"
        )


def heading_notes(table: LabelTable) -> Iterator[str]:
    """Yield how the first line was understood, where it does not say it."""
    if table.guessed_heading:
        yield f"the first line of the table is taken for its heading: {table.guessed_heading}"
    if table.other_headings:
        yield (
            "columns that are taken for labels, though their heading does not say so: "
            f"{', '.join(table.other_headings)}"
        )


def frequency_notes(labels: Sequence[Sequence[str]], class_names: Sequence[str]) -> Iterator[str]:
    """Yield which classes are on no image, and which on every one.

    Args:
        labels: of each image.
        class_names: of all classes.
    """
    images = Counter(label for one in labels for label in {*one})
    if none := [name for name in class_names if not images[name]]:
        yield f"classes that no image shows, which nothing can learn: {_listed(none)}"
    if every := [name for name in class_names if images[name] == len(labels)]:
        yield (
            f"classes that each of the {len(labels)} images shows, which nothing tells from "
            f"background: {_listed(every)}"
        )
    if unlabelled := sum(not one for one in labels):
        yield f"images without a class, which show background alone: {unlabelled}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"
