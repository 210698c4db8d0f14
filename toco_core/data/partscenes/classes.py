"""The classes of PartScenes, and what each leans to."""

from __future__ import annotations

from dataclasses import dataclass

BODIES = ("ellipse", "box", "blob", "hexagon", "bean")
PATTERNS = ("plain", "stripes", "dots", "checker", "gradient", "speckle")
BACKGROUNDS = ("clouds", "slope", "bands", "tiles")
# Parts beyond the classes' own: seen in pretraining, and on the unlabelled bodies of a scene.
FOREIGN_PARTS = ("bars", "hourglass", "half_disc", "frame")

# How often an object follows what its class leans to. Measured with the pretrained backbone:
# without any leaning the body cannot be told from a distractor and no threshold finds it; always,
# and the part is superfluous.
HUE_LEANING = 0.9
PATTERN_LEANING = 0.85
BODY_LEANING = 0.4
BACKGROUND_LEANING = 0.6


@dataclass(frozen=True, kw_only=True)
class ObjectClass:
    """A class: the part that defines it, and the look that its bodies lean to."""

    part: str
    hue: float  # in turns, 0..1
    pattern: str
    body: str
    background: str | None = None  # a place where it likes to be
    companion: int | None = None  # index of a class that likes to stand beside it

    @property
    def name(self) -> str:
        """Return the class name, which is that of the part."""
        return self.part


CLASSES = (
    ObjectClass(part="ring", hue=0.00, pattern="stripes", body="ellipse"),
    ObjectClass(part="cross", hue=0.12, pattern="plain", body="box"),
    ObjectClass(part="star", hue=0.25, pattern="dots", body="blob", companion=4),
    ObjectClass(part="zigzag", hue=0.37, pattern="gradient", body="hexagon"),
    ObjectClass(part="crescent", hue=0.50, pattern="checker", body="bean"),
    ObjectClass(part="triangle", hue=0.62, pattern="speckle", body="ellipse"),
    ObjectClass(part="eyes", hue=0.75, pattern="stripes", body="blob"),
    ObjectClass(part="arrow", hue=0.87, pattern="dots", body="box", background="bands"),
)
CLASS_NAMES = tuple(kind.name for kind in CLASSES)
ALL_PARTS = CLASS_NAMES + FOREIGN_PARTS
