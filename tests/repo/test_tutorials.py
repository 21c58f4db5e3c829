"""docs/tutorial-*.md: every file that a tutorial shows is a file of `examples/`, and its commands run as written.

Commands that install packages are not run here; in place of `ci/start-emulator` the test starts an emulator.
`make test-tutorials` runs whole tutorials in fresh clones.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import yaml

from sms10692_mock import EmulatorControl
from support.documents import BLOCKS, TOP
from support.emulators import emulator_process

EXAMPLES: Final = TOP / "examples"
TUTORIALS: Final = sorted(file.name for file in (TOP / "docs").glob("tutorial-*.md"))
REQUIRED: Final = bool(os.environ.get("SMS10692_REQUIRE_INTERPRETERS"))
JUNIT: Final = Path("/usr/share/java/junit-platform-console-standalone.jar")
HELPERS: Final = ("phpunit/tests/SmsVendor.php", "junit5/src/test/java/shop/SmsVendor.java", "jest/sms-vendor.js")
INSTALLING: Final = r"python3 -m venv |\.\./shop/ci/\.venv/bin/pip wheel |sh ci/start-emulator$"
SHOWN: Final = {"php", "java", "yaml", "python"}
"""Languages of blocks that show a file. A script in `sh` begins with `#!`."""


def find_blocks(name: str) -> list[tuple[str, str]]:
    """Language and text of each block of a tutorial."""
    return [(block.language, block.text) for block in BLOCKS if block.document == f"docs/{name}"]


def test_there_is_a_tutorial_in_both_languages_for_each_example() -> None:
    names = {f"tutorial-{name}{suffix}" for name in ("pytest", "php", "java", "ci") for suffix in (".md", ".zh-CN.md")}
    assert names == set(TUTORIALS)


@pytest.mark.parametrize("name", TUTORIALS)
def test_every_file_that_a_tutorial_shows_is_in_the_example(name: str) -> None:
    folder = re.findall(r"^cp -r examples/(\w+) \.\./shop$", (TOP / "docs" / name).read_text("utf-8"), re.MULTILINE)[0]
    sources = [*(EXAMPLES / folder).rglob("*"), EXAMPLES / "ci" / "start-emulator"]
    files = {file.read_text("utf-8") for file in sources if file.is_file()}
    shown = [text for language, text in find_blocks(name) if language in SHOWN or text.startswith("#!")]
    assert len(shown) >= 3
    for text in shown:
        assert text in files, text


@pytest.mark.parametrize("name", [name for name in TUTORIALS if ".zh-CN" not in name])
def test_both_languages_have_the_same_blocks(name: str) -> None:
    assert find_blocks(name) == find_blocks(name.replace(".md", ".zh-CN.md"))


@pytest.mark.parametrize("helper", HELPERS)
def test_a_helper_has_at_most_60_lines(helper: str) -> None:
    lines = (EXAMPLES / helper).read_text("utf-8").splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("folder", ["phpunit", "junit5", "jest", "pytest"])
def test_both_ci_files_run_the_same_commands_on_the_example(folder: str) -> None:
    github = yaml.safe_load((EXAMPLES / folder / ".github/workflows/test.yml").read_text("utf-8"))
    gitlab = yaml.safe_load((EXAMPLES / folder / ".gitlab-ci.yml").read_text("utf-8"))["test"]
    steps = [step["run"] for step in github["jobs"]["test"]["steps"] if "run" in step and "if" not in step]
    script = [*gitlab.get("before_script", ()), *gitlab["script"]]
    assert [line for line in script if not line.startswith("apt-get")] == steps


@pytest.mark.slow("Starts a validator.")
@pytest.mark.parametrize(
    ("schema", "file"), [("github-workflows", ".github/workflows/test.yml"), ("gitlab-ci", ".gitlab-ci.yml")]
)
def test_the_ci_files_follow_their_schema(schema: str, file: str) -> None:
    files = [str(EXAMPLES / folder / file) for folder in ("phpunit", "junit5", "jest", "pytest")]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def tool(name: str) -> str:
    """The path of a program; without it the test is skipped, or fails where CI requires interpreters."""
    path = shutil.which(name)
    if path is None:
        assert not REQUIRED, f"{name} is missing: run .ci/install-interpreters"
        pytest.skip(f"{name} is not installed")
    return path


def run_session(tutorial: str, folder: Path, commands: dict[str, str]) -> str:
    """Run the `sh` blocks of a tutorial one after another with an emulator, and return their output.

    `commands` replaces commands that need packages of other registries.
    """
    clone = folder / "clone"
    clone.mkdir()
    (clone / "examples").symlink_to(EXAMPLES)
    (clone / "constraints.txt").symlink_to(TOP / "constraints.txt")
    lines = "".join(
        text for language, text in find_blocks(tutorial) if language == "sh" and text[0] != "#"
    ).splitlines()
    kept = [commands.get(line, line) for line in lines if not re.match(INSTALLING, line)]
    author = {f"GIT_{role}_{key}": "x@example.com" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    with emulator_process() as (_, (host, port)):
        environment = os.environ | author | {"SMS10692_MOCK_URL": f"http://{host}:{port}"}
        result = subprocess.run(
            [tool("bash"), "-ec", "\n".join(kept)],
            cwd=clone,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.slow("Starts an emulator and PHPUnit.")
def test_the_php_tutorial_ends_with_green_tests_and_a_commit(tmp_path: Path) -> None:
    tool("phpunit")
    output = run_session("tutorial-php.md", tmp_path, {})
    assert "OK (2 tests, 2 assertions)" in output
    assert "create mode 100644 tests/SmsVendor.php" in output


@pytest.mark.slow("Starts an emulator, compiles the example and runs JUnit.")
def test_the_java_tutorial_ends_with_green_tests_and_a_commit(tmp_path: Path) -> None:
    tool("javac")
    if not JUNIT.exists():
        assert not REQUIRED, "JUnit is missing: run .ci/install-interpreters"
        pytest.skip("JUnit is not installed")
    compiled = f"javac -encoding UTF-8 -d target -cp {JUNIT} $(find src -name '*.java')"
    junit = f"{compiled} && java -jar {JUNIT} --class-path target --scan-class-path --disable-banner"
    output = run_session("tutorial-java.md", tmp_path, {"mvn --batch-mode test": junit})
    assert "[         2 tests successful      ]" in output
    assert "[         0 tests failed          ]" in output
    assert "create mode 100644 src/test/java/shop/SmsVendor.java" in output


@pytest.mark.slow("Starts an emulator and PHPUnit.")
def test_the_php_helper_names_the_mistake_and_leaves_no_account(tmp_path: Path) -> None:
    phpunit = tool("phpunit")
    shutil.copytree(EXAMPLES / "phpunit", tmp_path, dirs_exist_ok=True)
    source = tmp_path / "src" / "Registration.php"
    source.write_text(source.read_text("utf-8").replace("md5($this->account . ", "md5("), "utf-8")
    test = tmp_path / "tests" / "RegistrationTest.php"
    body = "try { $this->register(); } catch (RuntimeException) { $this->sms->waitMessage('15023239810', 0.1); }"
    test.write_text(
        re.sub(r"(OfTheVendorIsAnError.*?\{\n).*?\n    \}", rf"\1{body}\n}}", test.read_text("utf-8"), flags=re.DOTALL)
    )
    with emulator_process() as (_, (host, port)), EmulatorControl(f"http://{host}:{port}") as control:
        environment = os.environ | {"SMS10692_MOCK_URL": control.url}
        result = subprocess.run(
            [phpunit, "tests"], cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False
        )
        assert control.userids() == ["12"]
    assert result.returncode == 2
    assert (
        "no message to 15023239810 within 0.1 s; last request: send 用户名或密码错误 The account was not signed"
        in result.stdout
    )
