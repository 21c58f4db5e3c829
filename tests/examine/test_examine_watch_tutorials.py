"""`sms10692-examine watch` with the test runners of the tutorials: PHPUnit and JUnit run the examples as they are."""

import shutil
from pathlib import Path

import pytest

from support.documents import TOP
from support.examining import invoke_examine

JUNIT = Path("/usr/share/java/junit-platform-console-standalone.jar")
RUN_JUNIT = (
    f"javac -encoding UTF-8 -d target -cp {JUNIT} $(find src -name '*.java') && "
    f"java -jar {JUNIT} --class-path target --scan-class-path --disable-banner"
)
RUNNERS = {
    "phpunit": ("phpunit tests", "src/Registration.php", ("phpunit",)),
    "junit5": (RUN_JUNIT, "src/main/java/shop/Registration.java", ("javac", "java")),
}
"""By the folder of an example: the command of its tests, the client, and the programs that it needs."""


def watch_example(folder: Path, runner: str, language: str, before: str = "", after: str = "") -> tuple[int, list[str]]:
    """Watch the tests of an example, with a change of its client; return the exit code and the lines."""
    script, client, programs = RUNNERS[runner]
    if any(shutil.which(program) is None for program in programs) or (runner == "junit5" and not JUNIT.exists()):
        pytest.skip(f"{runner} is not installed")
    shutil.copytree(TOP / "examples" / runner, folder, dirs_exist_ok=True)
    source = (folder / client).read_text("utf-8")
    assert before in source
    (folder / client).write_text(source.replace(before, after) if before else source, "utf-8")
    result = invoke_examine("watch", "--lang", language, "--", "sh", "-c", f"cd '{folder}' && {script}")
    return result.return_value, result.output.splitlines()


def read_document(name: str) -> list[str]:
    """Return the lines that a document shows of `watch`: what the examples print, and what they print in UTC too."""
    return (TOP / "docs" / name).read_text("utf-8").rpartition("```text\n")[2].partition("```")[0].splitlines()


@pytest.mark.slow("Starts a test runner, and compiles Java.")
@pytest.mark.parametrize("runner", RUNNERS)
def test_the_tests_of_an_example_make_two_requests_and_no_warning(runner: str, tmp_path: Path) -> None:
    """One of them asks for a fault, which is no mistake of the client."""
    code, lines = watch_example(tmp_path, runner, "en")
    assert (code, lines) == (0, read_document("examine.md")[:1])


@pytest.mark.slow("Starts a test runner, and compiles Java.")
@pytest.mark.parametrize(
    ("runner", "language", "document"), [("phpunit", "zh", "examine.zh-CN.md"), ("junit5", "en", "examine.md")]
)
def test_a_client_in_another_time_zone_is_warned_about_and_the_exit_code_is_that_of_its_tests(
    runner: str, language: str, document: str, tmp_path: Path
) -> None:
    code, (counts, *warnings) = watch_example(tmp_path, runner, language, "Asia/Shanghai", "UTC")
    assert code != 0  # a test of each example asserts that there is no finding
    assert f"{counts.removesuffix(str(code))}0" == read_document(document)[0]
    assert warnings == read_document(document)[1:]
