"""What the pages say of files and folders is so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.packaging.interpreter import ROOT
from tests.packaging.test_imports import folder_imports, module_imports

PACKAGES = ("platform", "toco_core")
ARCHITECTURE = ROOT / "docs/ARCHITECTURE.md"
AT_THE_TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
PAGES = [*sorted(ROOT.glob("docs/*.md")), *(ROOT / name for name in AT_THE_TOP)]
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
# A path of ours: it begins with a folder of the top level, or ends as a file does.
TOPS = (*PACKAGES, "tests", "benchmarks", "search_spaces", "docs")
OURS = re.compile(rf"(?:{'|'.join(TOPS)})(?:/[\w.]+)+/?|(?:[\w.]+/)*\w+\.(?:py|yaml|toml)")


def local_links(page: str) -> list[str]:
    """Return the targets of links to files, without the place in them."""
    targets = [link.partition("#")[0] for link in LINK.findall(page)]
    return [target for target in targets if target and "://" not in target]


def named_paths(page: str) -> list[str]:
    """Return the paths in code spans; one in capitals stands for any name."""
    spans = [span for span in CODE.findall(page) if OURS.fullmatch(span)]
    return [span for span in spans if "NAME" not in span]


def exists(path: str) -> bool:
    """Whether a path is there, from the root or from a package; of a bare name, anywhere in one."""
    pattern = path if "/" in path else f"**/{path}"
    inside = any(any((ROOT / top).glob(pattern)) for top in PACKAGES)
    return inside or (ROOT / path).exists()


def package_folders() -> Iterator[str]:
    """Yield every folder of both packages that holds a file."""
    for top in PACKAGES:
        for path in (ROOT / top).rglob("*"):
            holds = path.is_dir() and any(child.is_file() for child in path.iterdir())
            if holds and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT).as_posix()


def picture_rows() -> Mapping[str, int]:
    """Return the row of each name in the picture, the upper ones first; modules with dots."""
    picture = ARCHITECTURE.read_text("utf-8").split("```text\n")[1].split("```")[0]
    rows: dict[str, int] = {}
    top = ""
    for number, line in enumerate(picture.splitlines()):
        if line.endswith("/"):
            top = line[:-1]
            continue
        for name in line.partition("#")[0].split():
            rows[f"{top}/{name}"] = number
    return rows


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_to_a_file(page: Path) -> None:
    links = local_links(page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_what_the_architecture_names_exists() -> None:
    paths = named_paths(ARCHITECTURE.read_text("utf-8"))
    assert len(paths) > 20
    assert [path for path in paths if not exists(path)] == []


def test_the_architecture_names_every_folder_of_both_packages() -> None:
    links = local_links(ARCHITECTURE.read_text("utf-8"))
    linked = {(ARCHITECTURE.parent / link).resolve().relative_to(ROOT).as_posix() for link in links}
    assert set(package_folders()) - linked - picture_rows().keys() == set()


def test_the_picture_names_what_exists() -> None:
    assert [name for name in picture_rows() if not (ROOT / name).exists()] == []


def test_the_picture_names_every_file_at_the_top_of_both_packages() -> None:
    files = {f"{top}/{path.name}" for top in PACKAGES for path in (ROOT / top).glob("[!_]*.py")}
    assert files - picture_rows().keys() == set()


def test_imports_go_down_in_the_picture() -> None:
    rows = {_folder(name): row for name, row in picture_rows().items()}
    upward = {
        (start, end)
        for start, ends in folder_imports(module_imports()).items()
        for end in ends
        if start in rows and end in rows and rows[start] >= rows[end]
        if start.partition(".")[0] == end.partition(".")[0]
    }
    assert upward == set()


def _folder(name: str) -> str:
    """Return a name of the picture as `tests.packaging.test_imports` has it."""
    module = name.removesuffix(".py").replace("/", ".")
    is_file_of_platform = name.startswith("platform/") and name.endswith(".py")
    return "platform" if is_file_of_platform else module


def test_paths_are_told_from_other_code() -> None:
    page = "`platform/data` `conftest.py` `toco_core/weights/NAME.safetensors` `weights.ptc` `a/b`"
    assert named_paths(page) == ["platform/data", "conftest.py"]
    assert local_links("[a](b.md#c) [d](#e) [f](https://g.org/h.md)") == ["b.md"]
