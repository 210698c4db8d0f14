from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from platform.command_line import FAILED, USER_ERROR, require_local, resolve_recipe, run_command


def test_a_file_of_weights_is_found_from_any_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vit.pth").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    recipe = resolve_recipe("voc_vit_b", (), weights="vit.pth")
    assert recipe.backbone.weights == str(tmp_path / "vit.pth")


@pytest.mark.parametrize("source", ["timm", "embedded", "random", "s3://bucket/vit.pth"])
def test_weights_may_come_from_elsewhere_than_a_file(source: str) -> None:
    assert resolve_recipe("voc_vit_b", (), weights=source).backbone.weights == source


def test_without_the_option_the_recipe_says_where_weights_come_from() -> None:
    settings = ("backbone.weights=random",)
    assert resolve_recipe("voc_vit_b", settings).backbone.weights == "random"


def write_to_full_disk() -> int:
    with Path("/dev/full").open("w") as file:
        return file.write("too much")


def raised(number: int) -> Callable[[], int]:
    def command() -> int:
        raise OSError(number, os.strerror(number), "reports/a.pt")

    return command


@pytest.mark.parametrize(
    ("command", "line", "status"),
    [
        (lambda: Path("/nowhere/a").write_text(""), "/nowhere/a: No such file or", USER_ERROR),
        (lambda: Path("/").write_text(""), "/: Is a directory; name a file in it", USER_ERROR),
        (lambda: Path("/dev/null/a").write_text(""), "/dev/null/a: Not a directory; ", USER_ERROR),
        (lambda: Path("n" * 300).write_text(""), "File name too long; choose a", USER_ERROR),
        (write_to_full_disk, "No space left on device; free some of the disk", FAILED),
        (raised(errno.EROFS), "reports/a.pt: Read-only file system; choose another", USER_ERROR),
        (raised(errno.EDQUOT), "reports/a.pt: Disk quota exceeded; delete something", FAILED),
        (raised(errno.EMFILE), "reports/a.pt: Too many open files", USER_ERROR),
    ],
)
def test_what_the_system_refuses_is_one_line_that_names_file_and_way_out(
    command: Callable[[], int], line: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(command)
    assert ended.value.code == status
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("error: ")
    assert line in said
    assert len(said) < 400


@pytest.mark.parametrize("uri", ["s3://bucket/reports", "gs://bucket/r", "file:///tmp/r"])
def test_a_uri_is_no_directory_of_this_machine(uri: str) -> None:
    with pytest.raises(ValueError, match=r"--compare-with \w+:/.* must be a directory of this"):
        require_local(compare_with=Path(uri))
    require_local(reports=Path("C"), output=None, compare_with=Path("a:b/c"))
