"""The dotted keys of the settings, such as `weights.ptc`: which there are, and what they hold."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic.fields import FieldInfo

from toco_core.messages import shortened
from toco_core.settings import Recipe, Section

MOST_CHARACTERS = 80  # of a key that is none, in a message


@cache
def setting_fields() -> dict[str, FieldInfo]:
    """Map every dotted key, such as `weights.ptc`, to its field in the settings."""
    return dict(_walk(Recipe, ""))


def _walk(section: type[Section], prefix: str) -> list[tuple[str, FieldInfo]]:
    fields: list[tuple[str, FieldInfo]] = []
    for name, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            fields += _walk(inner, f"{prefix}{name}.")
        else:
            fields.append((prefix + name, field))
    return fields


def check_key(key: str, source: str) -> None:
    """Refuse a key that is no setting, naming the closest one that is.

    Raises:
        ValueError: If `key` is not one of `setting_fields()`; `source` opens the message.
    """
    if key not in setting_fields():
        raise ValueError(unknown_key(key, source))


def unknown_key(key: str, source: str) -> str:
    """Say in one line that `key` is no setting, and which one may have been meant."""
    keys = list(setting_fields())
    key = shortened(key, MOST_CHARACTERS)
    inside = [name for name in keys if name.startswith(f"{key}.")]
    if inside:
        return f"{source}: {key} is a section; give one of {', '.join(inside)}"
    last_parts = {name.rpartition(".")[2]: name for name in keys}
    close = get_close_matches(key, [*keys, *last_parts], n=1, cutoff=0.5)
    if close:
        meant = last_parts.get(close[0], close[0])
        return f"{source}: {key} is not a setting; did you mean {meant}?"
    return f"{source}: {key} is not a setting; the sections are {', '.join(_sections())}"


def _sections() -> list[str]:
    return list(dict.fromkeys(key.partition(".")[0] for key in setting_fields() if "." in key))


def get_value(recipe: Recipe, key: str) -> Any:
    """Return the value of a dotted key."""
    value: Any = recipe
    for name in key.split("."):
        value = getattr(value, name)
    return value


def changed_settings(before: Recipe, after: Recipe) -> dict[str, str]:
    """Return the keys in which two recipes differ, each with both values in words."""
    pairs = {key: (get_value(before, key), get_value(after, key)) for key in setting_fields()}
    return {key: f"{key} (was {was}, now {now})" for key, (was, now) in pairs.items() if was != now}


def refused_on_resume(before: Recipe, after: Recipe) -> list[str]:
    """Return, in words, the changes that a run does not allow when it goes on from a checkpoint."""
    changed = changed_settings(before, after)
    return [words for key, words in changed.items() if not may_change_on_resume(key)]


def may_change_on_resume(key: str) -> bool:
    """Whether a setting may differ when a run goes on, as its field in the settings declares."""
    extra = setting_fields()[key].json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("may_change_on_resume"))
