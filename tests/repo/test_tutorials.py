"""docs/tutorial-*.md: every file that a tutorial shows is a file of `examples/`, and its commands run as written.

Commands that install packages are not run here; in place of `ci/start-emulator` the test starts an emulator.
`make test-tutorials` runs whole tutorials in fresh clones.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

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
    assert "OK (2 tests, 3 assertions)" in output
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


# Helpers
#
# A client with a mistake is examined in the tests of each example. The text that a helper writes is the same in all.

NO_ACCOUNT: Final = "send 用户名或密码错误, signature.no-account: The account was not signed (password, timestamp)"
UTC: Final = "send not refused, habit.utc: The timestamp is 8 hours behind, like UTC: use China time, UTC+8."


@dataclass(frozen=True)
class Example:
    """An example with a helper: how its tests are run, and what makes its client wrong (file, text, replacement).

    `refusal` makes the vendor refuse where the example has an outage. `brand` gives the accounts a profile and a
    stopped clock, moves that clock to the report of the message, and checks that the report can be fetched.
    """

    folder: str
    programs: tuple[str, ...]
    command: str
    no_account: tuple[str, str, str]
    utc: tuple[str, str, str]
    unknown_userid: tuple[str, str, str]
    refusal: tuple[str, str, str]
    brand: Sequence[tuple[str, str, str]]
    files: Mapping[str, str] = field(default_factory=dict)


REGISTRATION_JAVA: Final = "src/main/java/shop/Registration.java"
TEST_JAVA: Final = "src/test/java/shop/RegistrationTest.java"
TEST_PHP: Final = "tests/RegistrationTest.php"
TEST_JS: Final = "registration.test.js"
BRAND_JAVA: Final = r"""new SmsVendor("{\"private_clock\": true, \"profile\": \"observed\"}");"""
LATE_NUMBER: Final = "10000000023"
STOP_JAVA: Final = r"""        sms.call("PUT", "/clock", "{\"mode\": \"frozen\"}");
"""
CHECK_JAVA: Final = r"""
        sms.advanceToNext();
        String stats = sms.call("GET", "/queue-stats", "");
        assertTrue(stats.contains("\"scheduled\":0,\"waiting\":1,"), stats);
        assertTrue(sms.call("GET", "", "").contains("\"profile\":\"observed\""));"""
BRAND_PHP: Final = "\n    protected function smsSettings(): array { return ['profile' => 'observed']; }"
STOP_PHP: Final = "        $this->sms->call('PUT', '/clock', ['mode' => 'frozen']);\n"
CHECK_PHP: Final = """
        $this->sms->advanceToNext();
        self::assertSame(1, $this->sms->call('GET', '/queue-stats')['reports']['waiting']);
        self::assertSame('observed', $this->sms->call('GET', '')['profile']);"""
STOP_JS: Final = '  await vendor.current.call("PUT", "/clock", { mode: "frozen" });\n'
CHECK_JS: Final = """
  await vendor.current.advanceToNext();
  expect((await vendor.current.call("GET", "/queue-stats")).reports.waiting).toBe(1);
  expect((await vendor.current.call("GET", "")).profile).toBe("observed");"""
JEST: Final = """
const { test, beforeEach, afterEach } = require("node:test");
const assert = require("node:assert");
let name;
function check(value) {
  const rejects = { toThrow: (text) => assert.rejects(value, { message: text }) };
  return { toBe: (other) => assert.equal(value, other), toContain: (part) => assert.ok(value.includes(part)), rejects };
}
check.getState = () => ({ currentTestName: name });
beforeEach((context) => { name = context.name; });
Object.assign(globalThis, { test, beforeEach, afterEach, expect: check });
"""
"""What the example uses of Jest, on the test runner of Node: Jest itself comes from a registry."""
EXAMPLES_WITH_HELPER: Final = (
    Example(
        "phpunit",
        ("phpunit",),
        "phpunit tests",
        ("src/Registration.php", "md5($this->account . ", "md5("),
        ("src/Registration.php", "Asia/Shanghai", "UTC"),
        ("src/Registration.php", "'userid' => $this->userid", "'userid' => '7'"),
        (TEST_PHP, "fault('disconnect')", "fault('vendor_error', ['message' => '其他错误'])"),
        (
            *[(TEST_PHP, "15023239810", LATE_NUMBER)] * 2,
            (TEST_PHP, "use UsesSmsVendor;", f"use UsesSmsVendor;{BRAND_PHP}"),
            (TEST_PHP, "        $this->register();\n", f"{STOP_PHP}        $this->register();\n"),
            (TEST_PHP, "assertNoFindings();", f"assertNoFindings();{CHECK_PHP}"),
        ),
    ),
    Example(
        "junit5",
        ("javac",),
        f"javac -encoding UTF-8 -d target -cp {JUNIT} $(find src -name '*.java') && "
        f"java -jar {JUNIT} --class-path target --scan-class-path --disable-banner",
        (REGISTRATION_JAVA, "md5(account + ", "md5("),
        (REGISTRATION_JAVA, "Asia/Shanghai", "UTC"),
        (REGISTRATION_JAVA, '"action=send&userid=" + userid', '"action=send&userid=7"'),
        (TEST_JAVA, r"\"disconnect\"", r"\"vendor_error\", \"message\": \"其他错误\""),
        (
            *[(TEST_JAVA, "15023239810", LATE_NUMBER)] * 2,
            (TEST_JAVA, "new SmsVendor();", BRAND_JAVA),
            (TEST_JAVA, "        register();\n", f"{STOP_JAVA}        register();\n"),
            (TEST_JAVA, "assertNoFindings();", f"assertNoFindings();{CHECK_JAVA}"),
        ),
    ),
    Example(
        "jest",
        ("node",),
        "node --require ./jest.js --test-reporter tap registration.test.js",
        ("registration.js", "update(account + ", "update("),
        ("registration.js", "Date.now() + 8 * 3600 * 1000", "Date.now()"),
        ("registration.js", 'action: "send", userid,', 'action: "send", userid: "7",'),
        (TEST_JS, '"disconnect"', '"vendor_error", { message: "其他错误" }'),
        (
            *[(TEST_JS, "15023239810", LATE_NUMBER)] * 2,
            (TEST_JS, "useSmsVendor();", 'useSmsVendor({ profile: "observed" });'),
            (TEST_JS, "  await register(", f"{STOP_JS}  await register("),
            (TEST_JS, "assertNoFindings();", f"assertNoFindings();{CHECK_JS}"),
        ),
        {"jest.js": JEST},
    ),
)
EACH_HELPER: Final = pytest.mark.parametrize(
    "example", [pytest.param(one, id=one.folder) for one in EXAMPLES_WITH_HELPER]
)
NOT_COMPILED: Final = pytest.mark.parametrize(
    "example", [pytest.param(one, id=one.folder) for one in EXAMPLES_WITH_HELPER if one.folder != "junit5"]
)
"""Java is compiled for the mistakes alone; its tutorial, above, has the correct client."""


class ExampleRun(NamedTuple):
    """A run of an example: exit code, standard error, the userids that are left afterwards, and standard output."""

    code: int
    errors: str
    userids: list[str]
    output: str


def run_example(example: Example, folder: Path, *changes: tuple[str, str, str]) -> ExampleRun:
    """Run the tests of a changed example. The emulator is found by its port alone."""
    for program in example.programs:
        tool(program)
    if example.folder == "junit5" and not JUNIT.exists():
        assert not REQUIRED, "JUnit is missing: run .ci/install-interpreters"
        pytest.skip("JUnit is not installed")
    shutil.copytree(EXAMPLES / example.folder, folder, dirs_exist_ok=True)
    for name, text in example.files.items():
        (folder / name).write_text(text, "utf-8")
    for name, before, after in changes:
        source = (folder / name).read_text("utf-8")
        assert before in source
        (folder / name).write_text(source.replace(before, after, 1), "utf-8")
    with emulator_process() as (_, (host, port)), EmulatorControl(f"http://{host}:{port}") as control:
        unset = ("SMS10692_MOCK_URL", "SMS10692_MOCK_TOKEN")
        environment = {name: value for name, value in os.environ.items() if name not in unset}
        result = subprocess.run(
            [tool("bash"), "-ec", example.command],
            cwd=folder,
            env=environment | {"SMS10692_MOCK_PORT": str(port)},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return ExampleRun(result.returncode, result.stderr, control.userids(), result.stdout)


@pytest.mark.slow("Starts an emulator and a test runner.")
@NOT_COMPILED
def test_a_helper_is_silent_about_a_correct_client_and_leaves_no_account(example: Example, tmp_path: Path) -> None:
    code, errors, userids, _ = run_example(example, tmp_path)
    assert (code, userids) == (0, ["12"])
    assert "send" not in errors
    assert "userid" not in errors


@pytest.mark.slow("Starts an emulator and a test runner.")
@EACH_HELPER
def test_a_helper_says_why_a_request_was_refused_whatever_failed(example: Example, tmp_path: Path) -> None:
    code, errors, userids, _ = run_example(example, tmp_path, example.no_account)
    assert code != 0
    assert NO_ACCOUNT in errors
    assert "fault" not in errors
    assert userids == ["12"]


@pytest.mark.slow("Starts an emulator and a test runner.")
@EACH_HELPER
def test_a_helper_says_what_the_vendor_accepts_and_can_fail_for_it(example: Example, tmp_path: Path) -> None:
    code, errors, *_ = run_example(example, tmp_path, example.utc)
    assert code != 0
    assert errors.count(UTC) >= 2  # after both tests, also after the one that passes


@pytest.mark.slow("Starts an emulator and a test runner.")
@NOT_COMPILED
def test_a_helper_says_that_no_request_named_the_account(example: Example, tmp_path: Path) -> None:
    code, errors, *_ = run_example(example, tmp_path, example.unknown_userid)
    assert code != 0
    assert re.search(r"no request named the userid \d+", errors)


@pytest.mark.slow("Starts an emulator and a test runner.")
@EACH_HELPER
def test_a_refusal_is_not_the_outage_that_an_example_tests(example: Example, tmp_path: Path) -> None:
    run = run_example(example, tmp_path, example.refusal)
    assert run.code != 0
    assert "the vendor refused to send the code: " in run.output
    assert "其他错误" not in run.errors  # what the test demanded is no mistake


@pytest.mark.slow("Starts an emulator and a test runner.")
@EACH_HELPER
def test_a_helper_gives_its_accounts_a_brand_and_lets_late_reports_come(example: Example, tmp_path: Path) -> None:
    run = run_example(example, tmp_path, *example.brand)
    assert run.code == 0, run.output + run.errors
    assert run.userids == ["12"]


@pytest.mark.slow("Starts an emulator and PHPUnit.")
def test_the_php_helper_works_in_a_namespace_and_fails_for_a_missing_message(tmp_path: Path) -> None:
    """The class is that of the tutorial, with a test."""
    (block,) = (text for language, text in find_blocks("tutorial-php.md") if language == "text" and "<?php" in text)
    test = "public function testNothing(): void { $this->sms->waitMessage('15023239810', 0.1); }\n}\n"
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "OrderTest.php").write_text(block.removesuffix("}\n") + test, "utf-8")
    shutil.copy(EXAMPLES / "phpunit" / "tests" / "SmsVendor.php", tmp_path / "tests")
    with emulator_process() as (_, (host, port)):
        result = subprocess.run(
            [tool("phpunit"), "tests"],
            cwd=tmp_path,
            env=os.environ | {"SMS10692_MOCK_URL": f"http://{host}:{port}"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    assert result.returncode == 1, result.stdout  # a failure; an error has 2
    assert re.search(r"no message to 15023239810 within 0.1 s\nno request named the userid \d+", result.stdout)
