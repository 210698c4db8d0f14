"""What the README and the pages of `docs` say one can type exists."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import tyro

from docs.reference import COMMANDS, PAGES, commands_page
from platform.search.space.checks import check_space
from platform.search.space.spaces import parse_space
from toco_core.settings.overrides import apply_overrides, load_recipe, parse_override

ROOT = Path(__file__).parents[2]
WRITTEN = {f"docs/{name}" for name in PAGES}  # from the code, which another test holds them to
PAGES_FOR_USERS = ["README.md", *(f"docs/{path.name}" for path in sorted(ROOT.glob("docs/*.md")))]
TEXT = "\n".join((ROOT / page).read_text() for page in PAGES_FOR_USERS if page not in WRITTEN)
MODULE = re.compile(r"python -m ([\w.]+)((?:[^`\n#']|'[^`\n']*')*)")
BENCHMARK = re.compile(r"python -m benchmarks(?:[^`\n\\]|\\\n)*")  # its lines that go on too
TYPED = [
    (module, rest.strip())
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for module, rest in MODULE.findall(block)
    if module in COMMANDS and "--help" not in rest
]
OF_OTHERS = {
    *("--help", "--logdir", "--tmux"),  # of every command, of TensorBoard, and of Ray
    *("--node-id", "--reason", "--reason-message", "--deadline-remaining-seconds"),  # drain-node
    *("--lazy", "--signal"),  # of umount, and of Slurm's sbatch
    *("--apart", "--convolution"),  # of benchmarks.counted_step
}


@pytest.mark.parametrize(("module", "rest"), TYPED)
def test_a_command_is_understood(module: str, rest: str) -> None:
    assert tyro.cli(COMMANDS[module], args=shlex.split(rest)) is not None


@pytest.mark.parametrize("module", sorted({module for module, _ in MODULE.findall(TEXT)}))
def test_a_module_is_there(module: str) -> None:
    assert importlib.util.find_spec(module) is not None


def test_an_option_is_in_the_help_of_a_command() -> None:
    commands = commands_page()
    flag = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
    ours = BENCHMARK.sub("", TEXT)
    assert set(flag.findall(ours)) - OF_OTHERS - set(flag.findall(commands)) == set()


def test_a_setting_can_be_changed_as_shown() -> None:
    shown = re.findall(r"`(?:--set )?([a-z_.]+=[^`]+)`", TEXT)
    assert len(shown) > 4
    changes = [text if "." in text.split("=")[0] else f"compute.{text}" for text in shown]
    recipe = apply_overrides(load_recipe("voc_vit_b"), dict(map(parse_override, changes)))
    assert recipe != load_recipe("voc_vit_b")


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_that_is_written_from_the_code_is_up_to_date(page: str) -> None:
    assert (ROOT / "docs" / page).read_text() == PAGES[page](), "run: make docs"


def test_the_space_that_is_shown_fits_a_recipe() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/spaces.md").read_text(), re.DOTALL)
    space = check_space(parse_space(text, "docs/spaces.md"), load_recipe("voc_vit_b"), depth=12)
    assert len(space.space.parameters) == 6
