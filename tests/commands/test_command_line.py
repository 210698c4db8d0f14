from __future__ import annotations

from pathlib import Path

import pytest

from platform.command_line import resolve_recipe


def test_a_file_of_weights_is_found_from_any_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vit.pth").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    recipe = resolve_recipe("voc_vit_b", (), weights="vit.pth")
    assert recipe.backbone.weights == str(tmp_path / "vit.pth")


@pytest.mark.parametrize("source", ["timm", "embedded", "random"])
def test_weights_may_come_from_elsewhere_than_a_file(source: str) -> None:
    assert resolve_recipe("voc_vit_b", (), weights=source).backbone.weights == source


def test_without_the_option_the_recipe_says_where_weights_come_from() -> None:
    settings = ("backbone.weights=random",)
    assert resolve_recipe("voc_vit_b", settings).backbone.weights == "random"
