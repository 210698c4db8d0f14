"""The labels that an export has written, matched with the images of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platform.export.files import Layout
from platform.export.setup import SETTINGS_FILE, read_settings
from toco_core.data.reader import ParquetSplit
from toco_core.data.schema import DatasetInfo
from toco_core.messages import shown
from toco_core.supervised.labels import LabelFiles, LabelSurvey, survey

SPLIT = "train"  # of the images that are trained on


@dataclass(frozen=True, kw_only=True)
class ExportedLabels:
    """Labels of some images of the split."""

    files: LabelFiles
    survey: LabelSurvey


def read_export(
    directory: Path, split: ParquetSplit, progress: Callable[[int, int], None] | None = None
) -> ExportedLabels:
    """Match the label files of an export with images by their names, and look at each.

    Args:
        directory: the OUTPUT of `python -m platform.export`.
        split: `train` of the dataset; no mask of it is opened.
        progress: is told how many files are read, of how many.

    Raises:
        ValueError: there is no export of labels of this split, or it is of another dataset.
    """
    path = directory / SETTINGS_FILE
    if not path.is_file():
        raise ValueError(
            f"{directory}: there is no export: python -m platform.export CHECKPOINT {directory} "
            "writes one"
        )
    settings = read_settings(path)
    _require_split(directory, settings)
    _require_classes(directory, settings, split)
    files = LabelFiles(_matched(directory, _files(directory, settings), split))
    return ExportedLabels(files=files, survey=survey(files, split, progress))


def _require_split(directory: Path, settings: Mapping[str, Any]) -> None:
    if settings.get("split") != SPLIT:
        raise ValueError(
            f"{directory} is an export of the split {shown(str(settings.get('split')))}: a second "
            f"stage learns from {SPLIT} (python -m platform.export --split {SPLIT})"
        )


def _require_classes(directory: Path, settings: Mapping[str, Any], split: ParquetSplit) -> None:
    names: object = settings.get("classes")  # an export of an earlier version does not say
    if names is not None and names != list(split.info.class_names):
        raise ValueError(
            f"{directory}: the labels are of {_classes(names)}, {split.location} has "
            f"{_classes(list(split.info.class_names))}: name the dataset of the export (--data)"
        )


def _classes(names: object) -> str:
    if not isinstance(names, list):
        return "no classes"
    return f"{len(names)} classes ({', '.join(shown(str(name)) for name in names)})"


def _files(directory: Path, settings: Mapping[str, Any]) -> dict[str, Path]:
    layout = Layout(
        directory=directory,
        split=SPLIT,
        format="mmseg" if settings["format"] == "mmseg" else "files",
    )
    folder = layout.folder("labels")
    paths = sorted(folder.rglob("*.png"))
    found = {path.relative_to(folder).with_suffix("").as_posix(): path for path in paths}
    if not found:
        raise ValueError(f"{folder}: there are no labels: export them (--kinds labels)")
    return found


def _matched(directory: Path, files: dict[str, Path], split: ParquetSplit) -> dict[int, Path]:
    """Return the files by the row of their image."""
    names = [split.row(index).name for index in range(len(split))]
    matched = {index: files[name] for index, name in enumerate(names) if name in files}
    strange = sorted(files.keys() - set(names))
    if strange:
        raise ValueError(
            f"{directory}: {len(strange)} of {len(files)} labels are of no image in {SPLIT} of "
            f"{split.location}, such as {shown(strange[0])}: name the dataset of the export "
            "(--data)"
        )
    return matched


def in_words(exported: ExportedLabels, in_split: int, info: DatasetInfo) -> str:
    """Say what the labels are, as the protocol card shows it."""
    found = exported.survey
    return (
        f"pseudo-labels of {len(exported.files.files)} of {in_split} images of {SPLIT}, "
        f"{100 * found.share(info.ignore_index):.1f} % of their pixels ignored, "
        f"SHA-256 {found.sha256[:16]}; no mask was opened"
    )
