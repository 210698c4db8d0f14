"""Who imports whom, read off the source: hidden imports count as much as those at the top."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.packaging.interpreter import ROOT

Imports = Mapping[str, frozenset[str]]  # of each module or folder, those that it imports
Arrow = tuple[str, str]  # importing, imported

# What each folder of platform may import of the others. "platform" are the modules at its top.
SHARED = {
    "platform.results",
    "platform.cluster",
    "platform.protocol",
    "platform.workers",
    "platform",
}
MAY_IMPORT = {
    "platform._startup": set[str](),
    "platform.results": set[str](),
    "platform.cluster": {"platform"},
    "platform": {"platform.results"},
    "platform.workers": SHARED,
    "platform.data": SHARED,
    "platform.forecast": SHARED,
    "platform.train": SHARED | {"platform.forecast", "platform.mirror"},
    "platform.mirror": {"platform", "platform.results"},
    "platform.search": SHARED
    | {"platform.forecast", "platform.mirror", "platform.statistics", "platform.train"},
    "platform.statistics": {"platform.results"},
    "platform.protocol": {"platform.results"},
    "platform.confirm": SHARED | {"platform.mirror", "platform.search", "platform.statistics"},
    "platform.compare": SHARED
    | {
        "platform.evaluate",
        "platform.mirror",
        "platform.search",
        "platform.second_stage",
        "platform.train",
    },
    "platform.evaluate": SHARED,
    "platform.report": SHARED
    | {"platform.mirror", "platform.search", "platform.statistics", "platform.train"},
    "platform.export": SHARED | {"platform.evaluate"},
    "platform.second_stage": SHARED | {"platform.evaluate", "platform.export", "platform.train"},
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(source: str) -> Iterator[str]:
    """Yield every dotted name that a module imports, within functions and conditions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, "relative imports are not read here"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def all_names() -> Mapping[str, frozenset[str]]:
    """Return what each module of both packages imports, other packages included."""
    paths = [path for top in ("platform", "toco_core") for path in (ROOT / top).rglob("*.py")]
    return {module_name(p): frozenset(imported_names(p.read_text("utf-8"))) for p in paths}


def module_imports() -> Imports:
    """Return the imports between modules of both packages.

    `import platform` is left out: it means the module of the standard library.
    """
    names = all_names()
    own = names.keys() - {"platform", "toco_core"}
    return {module: imported & own - {module} for module, imported in names.items()}


def folder(module: str) -> str:
    """Return the folder of a module; one at the top of toco_core is an idea of its own."""
    top, _, rest = module.partition(".")
    inner = rest.partition(".")[0]
    return f"{top}.{inner}" if (ROOT / top / inner).is_dir() or top == "toco_core" else top


def folder_imports(imports: Imports) -> Imports:
    folders: dict[str, set[str]] = {}
    for module, imported in imports.items():
        folders.setdefault(folder(module), set()).update(map(folder, imported))
    return {name: frozenset(imported - {name}) for name, imported in folders.items()}


def cyclic_arrows(imports: Imports) -> set[Arrow]:
    """Return the imports from whose target a way leads back to where they start."""
    return {
        (start, end)
        for start, ends in imports.items()
        for end in ends
        if start in reachable(imports, end)
    }


def reachable(imports: Imports, start: str) -> set[str]:
    found, ahead = {start}, [start]
    while ahead:
        new = imports.get(ahead.pop(), frozenset()) - found
        found |= new
        ahead += new
    return found


def test_modules_import_each_other_in_no_circle() -> None:
    assert cyclic_arrows(module_imports()) == set()


def test_folders_of_the_core_import_each_other_in_no_circle() -> None:
    core = {name: ends for name, ends in module_imports().items() if name.startswith("toco_core.")}
    assert cyclic_arrows(folder_imports(core)) == set()


@pytest.mark.parametrize("package", ["ray", "optuna", "platform"])
def test_the_core_knows_nothing_of_the_platform(package: str) -> None:
    users = [
        (module, name)
        for module, names in all_names().items()
        for name in names
        if module.startswith("toco_core") and name.partition(".")[0] == package
    ]
    assert users == []


def test_folders_of_the_platform_import_only_those_below_them() -> None:
    imports = {k: v for k, v in module_imports().items() if k.startswith("platform.")}
    upward = {
        (module, target)
        for module, targets in imports.items()
        for target in targets
        if target.startswith("platform.")
        and folder(target) not in MAY_IMPORT[folder(module)] | {folder(module)}
    }
    assert upward == set()


def test_hidden_imports_are_seen() -> None:
    source = """
if TYPE_CHECKING:
    from toco_core.cam import refine
def function():
    import toco_core.step
"""
    assert set(imported_names(source)) == {
        "toco_core.cam",
        "toco_core.cam.refine",
        "toco_core.step",
    }


def test_an_import_on_a_circle_is_told_from_one_that_leads_into_it() -> None:
    imports = {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("b")}
    assert cyclic_arrows(imports) == {("b", "c"), ("c", "b")}
