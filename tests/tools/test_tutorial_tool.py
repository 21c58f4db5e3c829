"""tools/tutorials.py: which versions of JUnit and plugins the Java tutorial has with Debian's repository."""

import re
from pathlib import Path

import pytest

from support.documents import TOP
from tutorials import replace_versions

POM = (TOP / "examples/junit5/pom.xml").read_text("utf-8")
ARTIFACTS = (
    "org/junit/jupiter/junit-jupiter",
    *(f"org/apache/maven/plugins/maven-{name}-plugin" for name in ("surefire", "compiler", "resources")),
)


def make_repository(folder: Path, artifacts: tuple[str, ...]) -> Path:
    """A repository that has three versions of each artifact; the newest number is 10.1."""
    for artifact in artifacts:
        for version in ("9.2", "10.1", "debian"):
            (folder / artifact / version).mkdir(parents=True)
    return folder


def test_everything_in_the_pom_gets_the_newest_version_of_the_repository(tmp_path: Path) -> None:
    pom, replaced = replace_versions(POM, make_repository(tmp_path, ARTIFACTS))
    assert re.findall("<version>(.*)</version>", pom) == ["1.0"] + ["10.1"] * len(
        ARTIFACTS
    )  # the first is the project's
    assert [text.split()[:2] for text in replaced] == [[path.rpartition("/")[2], "10.1"] for path in ARTIFACTS]
    assert re.sub("<version>.*</version>", "", pom) == re.sub("<version>.*</version>", "", POM)


def test_a_missing_package_ends_the_tutorial_and_names_the_packages(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"maven-resources-plugin is missing: apt-get install junit5 libsurefire-java"):
        replace_versions(POM, make_repository(tmp_path, ARTIFACTS[:-1]))
