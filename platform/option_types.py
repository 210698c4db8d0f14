"""How options are read off a command line whose types are our own."""

from __future__ import annotations

from tyro.constructors import PrimitiveConstructorSpec

from platform.resource_ranges import Between, parse_group
from toco_core.remote_path import Place, place

PLACE = PrimitiveConstructorSpec(
    nargs=1,
    metavar="PATH|URI",
    instance_from_str=lambda words: place(words[0]),
    is_instance=lambda value: isinstance(value, Place),
    str_from_instance=lambda value: [str(value)],
)
GROUP = PrimitiveConstructorSpec(
    nargs=1,
    metavar="INT|INT-INT",
    instance_from_str=lambda words: parse_group(words[0]),
    is_instance=lambda value: isinstance(value, int | Between),
    str_from_instance=lambda value: [str(value)],
)
