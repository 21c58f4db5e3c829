"""The wheel and the source distribution: complete, and the same bytes wherever and whenever they are built."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
NOT_IN_THE_SDIST = {".gitattributes"}
"""Files of the repository that the source distribution lacks: they concern git alone."""


def build(tree: Path, target: Path, **environment: str) -> tuple[Path, Path]:
    """Build the source distribution and the wheel of a tree, with the build backend of this environment."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(target)]
    completed = subprocess.run(command, cwd=tree, env=os.environ | environment, capture_output=True, check=False)
    assert completed.returncode == 0, completed.stderr.decode()
    (sdist,) = target.glob("*.tar.gz")
    (wheel,) = target.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build(TOP, tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def unpacked(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of the source distribution."""
    folder = tmp_path_factory.mktemp("another-folder")
    with tarfile.open(built[0]) as archive:
        archive.extractall(folder, filter="data")
    (tree,) = folder.iterdir()
    return tree


@pytest.mark.slow("Builds the distributions.")
def test_both_distributions_are_the_same_bytes_wherever_and_whenever_they_are_built(
    built: tuple[Path, Path], unpacked: Path, tmp_path: Path
) -> None:
    for file in unpacked.rglob("*"):
        os.utime(file, (1_700_000_000, 1_700_000_000))
        if file.is_file():
            file.chmod(0o600 | (file.stat().st_mode & 0o100))
    again = build(unpacked, tmp_path, TZ="Asia/Shanghai", PYTHONHASHSEED="1", LC_ALL="C")
    for first, second in zip(built, again, strict=True):
        assert (first.name, first.read_bytes()) == (second.name, second.read_bytes())


def tracked_files() -> Iterator[str]:
    """The files that git knows. Skips the test outside a clone."""
    command = [shutil.which("git") or "git", "ls-files", "-z"]
    completed = subprocess.run(command, cwd=TOP, capture_output=True, encoding="utf-8", check=False)
    if completed.returncode:
        pytest.skip("this is no clone")
    yield from filter(None, completed.stdout.split("\0"))


@pytest.mark.slow("Builds the distributions.")
def test_the_source_distribution_has_every_file_of_the_repository(unpacked: Path) -> None:
    missing = [name for name in tracked_files() if not (unpacked / name).is_file()]
    assert set(missing) == NOT_IN_THE_SDIST
    added = {file.relative_to(unpacked).as_posix() for file in unpacked.rglob("*") if file.is_file()}
    assert added - set(tracked_files()) - untracked_files() == {"PKG-INFO"}


def untracked_files() -> set[str]:
    """Files that were not committed yet."""
    command = [shutil.which("git") or "git", "ls-files", "-z", "--others", "--exclude-standard"]
    return set(subprocess.run(command, cwd=TOP, capture_output=True, encoding="utf-8", check=True).stdout.split("\0"))


@pytest.mark.slow("Builds the distributions.")
def test_the_wheel_has_every_package_and_command(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        names = wheel.namelist()
        (entry_points,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
        commands = ConfigParser()
        commands.read_string(wheel.read(entry_points).decode())
    project = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))
    assert dict(commands["console_scripts"]) == project["project"]["scripts"]
    sources = [TOP / folder for folder in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]
    folders = {name.partition("/")[0] for name in names}
    assert folders == {entry_points.partition("/")[0], *(source.name for source in sources)}
    for source in sources:
        files = (file for file in source.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        assert {file.relative_to(source.parent).as_posix() for file in files} <= set(names)


@pytest.mark.slow("Installs everything into a new environment.")
@pytest.mark.skipif("SMS10692_TEST_SDIST" not in os.environ, reason="make test-distributions runs this test")
def test_the_quick_tests_pass_in_the_source_distribution(unpacked: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    completed = subprocess.run(
        [shutil.which("make") or "make", "test-quick", f"PYTHON={sys.executable}"],
        cwd=unpacked,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    print(completed.stdout.splitlines()[-1])
    assert completed.returncode == 0, completed.stdout[-5000:] + completed.stderr
