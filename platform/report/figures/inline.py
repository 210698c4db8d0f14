"""An SVG of matplotlib as a part of a page: its colours the page's, its names its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from platform.report.figures.style import ROLES

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_HREF = f"{{{_XLINK}}}href"
_REFERENCE = re.compile(r"#([\w-]+)")
_FONT = re.compile(r"font:\s*(?:(bold|\d+)\s+)?([\d.]+)px[^;]*")
_NUMBER = re.compile(r"\d+\.\d{3,}")
_COLOUR = re.compile("|".join(ROLES))

ElementTree.register_namespace("", _SVG)
ElementTree.register_namespace("xlink", _XLINK)


def inline_svg(text: str, name: str, label: str, tips: Mapping[str, Sequence[str]]) -> str:
    """Return an SVG to stand in HTML.

    Args:
        text: as matplotlib writes it.
        name: of the figure, unlike that of any other in the page.
        label: what it shows, in words.
        tips: texts for the parts of named groups.
    """
    root = ElementTree.fromstring(text)
    for child in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(child)
    for group in list(root.iter(f"{{{_SVG}}}g")):
        _add_tips(group, tips.get(group.get("id", ""), ()))
    _rename(root, name)
    for element in root.iter():
        _restyle(element)
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.set("role", "img")
    root.set("aria-label", label)
    return ElementTree.tostring(root, encoding="unicode")


def _add_tips(group: Element, texts: Sequence[str]) -> None:
    if len(texts) == 1:
        group.insert(0, _title(texts[0]))
        return
    marks = list(group.iter(f"{{{_SVG}}}use")) if texts else []
    if len(marks) == len(texts):  # a mark outside the axes is not drawn
        for mark, text in zip(marks, texts, strict=True):
            mark.append(_title(text))


def _title(text: str) -> Element:
    title = Element(f"{{{_SVG}}}title")
    title.text = text
    return title


def _rename(root: Element, name: str) -> None:
    """Keep the names that something refers to, under the figure's own."""
    used = {
        match for e in root.iter() for v in e.attrib.values() for match in _REFERENCE.findall(v)
    }
    for element in root.iter():
        own = element.attrib.pop("id", None)
        if own in used:
            element.set("id", f"{name}-{own}")
        for key in (_HREF, "clip-path"):
            if key in element.attrib:
                old = element.attrib[key]
                element.set(key, _REFERENCE.sub(rf"#{name}-\1", old))


def _restyle(element: Element) -> None:
    style = element.get("style")
    if style:
        style = _COLOUR.sub(lambda match: f"var(--{ROLES[match[0]]})", style)
        element.set("style", _FONT.sub(_font, style).replace("; ", ";").replace(": ", ":"))
    if path := element.get("d"):
        shorter = _NUMBER.sub(lambda match: f"{float(match[0]):.2f}", path)
        element.set("d", " ".join(shorter.split()))


def _font(match: re.Match[str]) -> str:
    weight = f";font-weight:{match[1]}" if match[1] else ""
    return f"font-size:{match[2]}px{weight}"
