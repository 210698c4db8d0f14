"""In a checkout, `import platform` gives everything of the standard module, and ours."""

from __future__ import annotations

import json
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.packaging.interpreter import ROOT, Interpreter

SCRIPTS = Path(sysconfig.get_path("scripts"))
DESCRIBE = """
import json, platform, types

def describe(value):
    if isinstance(value, types.FunctionType):
        code = value.__code__
        return [code.co_code.hex(), repr(value.__defaults__), value.__module__, code.co_filename]
    if isinstance(value, type):
        return [value.__module__, value.__qualname__, sorted(vars(value))]
    return value.__name__ if isinstance(value, types.ModuleType) else repr(value)

names = {n: describe(v) for n, v in vars(platform).items() if not n.startswith("__")}
calls = ["architecture", "freedesktop_os_release", "libc_ver", "mac_ver", "machine", "node",
         "platform", "processor", "python_build", "python_compiler", "python_implementation",
         "python_version", "release", "system", "uname", "version"]
results = {name: repr(getattr(platform, name)()) for name in calls}
dunder = [platform.__name__, platform.__version__, platform.__copyright__, platform.__doc__]
print(json.dumps({"names": names, "results": results, "dunder": dunder}))
"""


def _standard(bare: Interpreter, *arguments: str) -> str:
    """Run the interpreter where it can find nothing but the standard library."""
    return bare.run("-I", "-S", *arguments, cwd=bare.home)


def test_nothing_of_ours_is_found_by_chance(bare: Interpreter, tmp_path: Path) -> None:
    code = "import platform; print(hasattr(platform, '__path__'))"
    assert bare.run("-c", code, cwd=tmp_path) == "False"


def test_every_name_of_the_standard_module_is_there_and_the_same(bare: Interpreter) -> None:
    ours = json.loads(bare.run("-c", DESCRIBE, cwd=ROOT))
    standard = json.loads(_standard(bare, "-c", DESCRIBE))
    assert len(standard["names"]) > 50
    assert ours == standard


def test_functions_and_callers_share_the_caches(bare: Interpreter) -> None:
    code = (
        "import platform; assert platform.uname() is platform.uname();"
        "platform._uname_cache = 'ours'; print(platform.uname())"
    )
    assert bare.run("-c", code, cwd=ROOT) == "ours"


@pytest.mark.parametrize("ours_writes", [True, False], ids=["ours-to-theirs", "theirs-to-ours"])
def test_pickles_travel_between_both(bare: Interpreter, ours_writes: bool) -> None:
    write = "import pickle, platform; print(pickle.dumps(platform.uname()).hex())"
    read = "import pickle, platform;print(pickle.loads(bytes.fromhex({!r})) == platform.uname())"
    written = bare.run("-c", write, cwd=ROOT) if ours_writes else _standard(bare, "-c", write)
    code = read.format(written)
    answer = _standard(bare, "-c", code) if ours_writes else bare.run("-c", code, cwd=ROOT)
    assert answer == "True"


def test_importing_platform_loads_nothing_but_standard_modules(bare: Interpreter) -> None:
    code = "import platform, sys; print(*(name for name in sys.modules if name != '__main__'))"
    loaded = set(bare.run("-c", code, cwd=ROOT).split())
    assert "platform" in loaded
    assert not {name for name in loaded if name.startswith("platform.")}
    assert {name.partition(".")[0] for name in loaded} <= sys.stdlib_module_names


@pytest.mark.parametrize("arguments", [[], ["--terse"], ["terse", "nonaliased"], ["--nonaliased"]])
def test_python_m_platform_prints_what_it_always_prints(
    bare: Interpreter, arguments: list[str]
) -> None:
    ours = bare.run("-m", "platform", *arguments, cwd=ROOT)
    assert ours == _standard(bare, "-m", "platform", *arguments) != ""


def test_modules_of_ours_run_with_python_m(bare: Interpreter) -> None:
    done = bare.attempt("-W", "error", "-m", "platform.cluster.runtime", cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize("library", ["torch", "optuna", "ray"])
def test_libraries_that_import_platform_start(bare: Interpreter, library: str) -> None:
    code = f"import {library}, platform; print({library}.__version__, platform.__path__[0])"
    assert bare.run("-c", code, cwd=ROOT).endswith(str(ROOT / "platform"))


@pytest.mark.slow
def test_the_ray_command_starts(bare: Interpreter) -> None:
    answer = bare.run(str(SCRIPTS / "ray"), "--version", cwd=ROOT, PYTHONPATH=str(ROOT))
    assert answer.startswith("ray, version")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project of the same make, with one test that needs both platforms."""
    shutil.copytree(ROOT / "platform", tmp_path / "platform")
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / name, tmp_path)
    code = (
        "import platform, platform.cluster.runtime as runtime\n"
        "def test_both() -> None:\n    assert platform.machine()\n"
        f"    assert runtime.__file__ == {str(tmp_path / 'platform/cluster/runtime.py')!r}\n"
    )
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_inside.py").write_text(code)
    return tmp_path


@pytest.mark.parametrize(
    "command", [["-m", "pytest"], [str(SCRIPTS / "pytest")], [str(SCRIPTS / "pytest"), "-n1"]]
)
def test_pytest_finds_both(bare: Interpreter, project: Path, command: list[str]) -> None:
    assert "1 passed" in bare.run(*command, "-p", "no:cacheprovider", cwd=project)


def test_bare_pytest_owes_it_to_the_conftest(bare: Interpreter, project: Path) -> None:
    (project / "conftest.py").unlink()
    done = bare.attempt(str(SCRIPTS / "pytest"), "-p", "no:cacheprovider", cwd=project)
    assert "'platform' is not a package" in done.stdout


def test_no_module_of_ours_takes_the_place_of_a_standard_function(bare: Interpreter) -> None:
    # Once it is imported, platform.machine() would call a module.
    standard = _standard(bare, "-c", "import platform; print(*vars(platform))").split()
    ours = {path.stem for path in (ROOT / "platform").iterdir() if not path.name.startswith("__")}
    assert "command_line" in ours
    assert not ours & set(standard)
