"""What an export writes of each image, and how the labels are made."""

from __future__ import annotations

from dataclasses import dataclass

from platform.export.options import Format, Kind, Source


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """The settings that all files of an export have in common, and their directory."""

    output: str
    kinds: tuple[Kind, ...]
    format: Format
    source: Source
    bkg: float | None  # or both of the next
    low: float | None
    high: float | None
    scales: tuple[float, ...]
    crf: bool
    all_classes: bool
