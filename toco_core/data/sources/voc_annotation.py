"""The annotation of a VOC image, and the classes that it names."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from toco_core.data.problems import RowError
from toco_core.messages import shown

CLASS_NAMES = (
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)


def annotated_labels(annotation: bytes, class_names: Sequence[str]) -> list[int]:
    """Return the labels of the objects in an annotation.

    Args:
        annotation: XML.
        class_names: in the order of their labels, from 1.

    Raises:
        RowError: it cannot be read, has no object, or one of another class.
    """
    try:
        objects = ElementTree.fromstring(annotation).findall("object")  # not their parts
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # or of unknown encoding
        raise RowError("corrupt annotation", str(error)) from error
    names = [str(one.findtext("name", "")).strip() for one in objects]
    if not names:
        raise RowError("corrupt annotation", "it has no object")
    foreign = [name for name in names if name not in class_names]
    if foreign and class_names == CLASS_NAMES:
        raise RowError(
            "label without a class",
            f"{shown(foreign[0])} is no class of VOC; a tree of other classes needs --classes "
            "with all of them, in the order of their labels in the masks",
        )
    if foreign:
        raise RowError("label without a class", f"{shown(foreign[0])} is none of --classes")
    return sorted({class_names.index(name) + 1 for name in names})
