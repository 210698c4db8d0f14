"""Writes settings.md and commands.md from the code: `python -m docs.reference`."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import tyro
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from platform.compare.options import CompareOptions
from platform.confirm.options import ConfirmOptions
from platform.data.options import DataOptions
from platform.evaluate.options import EvaluateOptions
from platform.export.options import ExportOptions
from platform.report.options import ReportOptions
from platform.search.options import SearchOptions
from platform.second_stage.options import SecondStageOptions
from platform.train.options import TrainOptions
from toco_core.settings import Recipe
from toco_core.settings.keys import may_change_on_resume

DOCS = Path(__file__).parent
WRITTEN = "<!-- Written by `make docs` from the code: change the code, not this page. -->\n\n"
COMMANDS: Mapping[str, Any] = {
    "platform.search": SearchOptions,
    "platform.train": TrainOptions,
    "platform.evaluate": EvaluateOptions,
    "platform.export": ExportOptions,
    "platform.second_stage": SecondStageOptions,
    "platform.confirm": ConfirmOptions,
    "platform.compare": CompareOptions,
    "platform.report": ReportOptions,
    "platform.data": DataOptions,
}
SUBCOMMANDS: Mapping[str, tuple[str, ...]] = {
    "platform.data": ("voc", "coco", "folder", "partscenes", "check", "probe")
}
WIDTH = 120  # of a help text, in characters

SETTINGS_HEAD = """# Settings

Every setting of a recipe, under the key that `--set KEY=VALUE`, a recipe file and a search space
use. The default is the paper's run on VOC; [recipes](../toco_core/recipes) say what differs for
other runs. A run that was stopped goes on only with the settings it was started with, but for those
marked **∗**, which change no step of it.
"""
COMMANDS_HEAD = """# Commands

What each command says with `--help`.
"""


def settings_page() -> str:
    """Return the page of all settings, a table for each section of a recipe."""
    plain: dict[str, FieldInfo] = {}
    sections: dict[str, type[BaseModel]] = {}
    for key, field in Recipe.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            sections[key] = field.annotation
        else:
            plain[key] = field
    parts = [WRITTEN + SETTINGS_HEAD, _table("", plain)]
    for key, section in sections.items():
        about = " ".join((section.__doc__ or "").split())
        parts += [f"## `{key}`\n\n{about}\n", _table(f"{key}.", section.model_fields)]
    return "\n".join(parts)


def _table(prefix: str, fields: Mapping[str, FieldInfo]) -> str:
    rows = ["| setting | default | range | what it is |", "| --- | --- | --- | --- |"]
    for key, field in fields.items():
        free = " **∗**" if may_change_on_resume(prefix + key) else ""
        cells = (f"`{prefix}{key}`{free}", f"`{_value(field.default)}`", _range(field))
        rows.append(f"| {' | '.join(cells)} | {(field.description or '').replace('|', '/')} |")
    return "\n".join(rows) + "\n"


def _value(default: object) -> str:
    """Return a default as a recipe file has it."""
    if isinstance(default, tuple):
        return f"[{', '.join(map(_value, default))}]"
    if default is None or isinstance(default, bool):
        return "null" if default is None else str(default).lower()
    return str(default)


def _range(field: FieldInfo) -> str:
    """Return what a field's constraints say, as text."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    bounds = [
        f"{sign} {bound:,}".replace(",", " ")
        for constraint in field.metadata
        for name, sign in signs.items()
        if (bound := getattr(constraint, name, None)) is not None
    ]
    choices = getattr(field.annotation, "__args__", ())
    if choices and all(isinstance(choice, str) for choice in choices):
        bounds.append(", ".join(f"`{choice}`" for choice in choices))
    return ", ".join(bounds)


def commands_page() -> str:
    """Return the page of all commands, with their help texts."""
    parts = [WRITTEN + COMMANDS_HEAD]
    for module, options in COMMANDS.items():
        for subcommand in ("", *SUBCOMMANDS.get(module, ())):
            title = f"python -m {module} {subcommand}".strip()
            text = _help(options, f"python -m {module}", subcommand)
            parts.append(f"## `{title}`\n\n```text\n{text}```\n")
    return "\n".join(parts)


def _help(options: Any, prog: str, subcommand: str) -> str:
    arguments = [subcommand] * bool(subcommand) + ["--help"]
    caught = io.StringIO()
    with _a_terminal_of(WIDTH), redirect_stdout(caught), suppress(SystemExit):  # as --help ends
        tyro.cli(options, prog=prog, args=arguments)
    lines = caught.getvalue().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


@contextmanager
def _a_terminal_of(columns: int) -> Iterator[None]:
    names = {"COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "dumb"}
    before = dict(os.environ)
    os.environ.update(names)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


PAGES = {"settings.md": settings_page, "commands.md": commands_page}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
