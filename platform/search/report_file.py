"""`report.json`: the scores on `report`, of the winner and of the published configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from platform.protocol.card import ProtocolCard
from toco_core.files import replacing

REPORT_FILE = "report.json"


@dataclass(frozen=True, kw_only=True)
class ReportScore:
    """CAM mIoU, 0..1, on the `report` split at the threshold that the `tune` split chose.

    Attributes:
        miou, aux_miou: None where no mask was opened.
        objective: what the search maximised, on this split; None in a file of an earlier version.
        others: of the search's other objectives, on this split.
        card: how it was measured; None in a file of an earlier version.
    """

    number: int
    bkg: float
    aux_bkg: float
    miou: float | None
    aux_miou: float | None
    masks_opened: int
    objective: float | None = None
    card: ProtocolCard | None = None
    others: Sequence[float] = ()

    @property
    def maximised(self) -> float | None:
        """What the search maximised; earlier versions knew nothing but the CAM mIoU."""
        return self.miou if self.objective is None else self.objective


def read_report(directory: Path) -> dict[int, ReportScore]:
    """Return every score on `report` by trial, those of earlier winners too.

    Raises:
        ValueError: the file is damaged; names it.
    """
    path = directory / REPORT_FILE
    if not path.exists():
        return {}
    try:
        rows = [_read_score(row) for row in json.loads(path.read_bytes())]
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged ({error})") from error
    return {row.number: row for row in rows}


def _read_score(row: Mapping[str, Any]) -> ReportScore:
    card = row.get("card")
    return ReportScore(**{**row, "card": card and ProtocolCard.from_json(card)})


def write_report(directory: Path, report: Mapping[int, ReportScore]) -> None:
    """Write the scores in place of the file that is there."""
    text = json.dumps([asdict(report[number]) for number in sorted(report)], indent=2)
    with replacing(directory / REPORT_FILE) as unfinished:
        unfinished.write_text(text + "\n")
