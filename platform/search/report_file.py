"""`report.json`: the scores on `report`, of the winner and of the published configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from toco_core.files import replacing

REPORT_FILE = "report.json"


@dataclass(frozen=True, kw_only=True)
class ReportScore:
    """CAM mIoU, 0..1, on the `report` split at the threshold that the `tune` split chose.

    Attributes:
        miou, aux_miou: None where no mask was opened.
        objective: what the search maximised, on this split; None in files of earlier versions.
    """

    number: int
    bkg: float
    aux_bkg: float
    miou: float | None
    aux_miou: float | None
    masks_opened: int
    objective: float | None = None


def read_report(directory: Path) -> dict[int, ReportScore]:
    """Return every score on `report` by trial, those of earlier winners too.

    Raises:
        ValueError: the file is damaged; names it.
    """
    path = directory / REPORT_FILE
    if not path.exists():
        return {}
    try:
        rows = [ReportScore(**row) for row in json.loads(path.read_bytes())]
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged ({error})") from error
    return {row.number: row for row in rows}


def write_report(directory: Path, report: Mapping[int, ReportScore]) -> None:
    """Write the scores in place of the file that is there."""
    text = json.dumps([asdict(report[number]) for number in sorted(report)], indent=2)
    with replacing(directory / REPORT_FILE) as unfinished:
        unfinished.write_text(text + "\n")
