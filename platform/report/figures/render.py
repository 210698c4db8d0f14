"""From drawings to what stands in a page, and to the files beside it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from platform.report.figures.drawing import Drawing, Tips
from platform.report.figures.inline import inline_svg
from platform.report.figures.style import NARROW, PAPER, styled

_DPI = 216  # three times a screen's: for print


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A drawing in a page: once for a wide column, once for a phone."""

    drawing: Drawing
    wide: str
    narrow: str


def render(drawing: Drawing, files: Path) -> Rendered:
    """Draw a figure for the page, and write it as SVG and PNG.

    Args:
        drawing: the figure.
        files: the directory for the files.
    """
    texts: list[str] = []
    for width in (drawing.wide, NARROW):
        tips = Tips()
        with styled(f"{drawing.key}-{width}"):
            figure = drawing.draw(width, tips)
            text = _svg(figure)
            if width == drawing.wide:
                (files / f"{drawing.key}.svg").write_text(text, "utf-8")
                figure.savefig(files / f"{drawing.key}.png", dpi=_DPI, facecolor=PAPER)
        texts.append(inline_svg(text, f"{drawing.key}-{width}", drawing.alt, tips.texts))
    return Rendered(drawing=drawing, wide=texts[0], narrow=texts[1])


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
