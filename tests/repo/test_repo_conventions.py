"""Conventions of the repository that ruff and import-linter cannot check.

Wire names are in one place, families are complete, imports are light, and readings are numbered and tested.
"""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from sms10692 import protocol
from sms10692_mock.admin.console.clauses import readings
from sms10692_mock.admin.console.i18n import texts
from sms10692_mock.codec.charsets import DECODERS, ENCODERS
from sms10692_mock.codec.json_renderer import KEYS
from sms10692_mock.domain.authentication import CREDENTIALS_CHECKS
from sms10692_mock.domain.evidence import REMARKS
from sms10692_mock.domain.evidence_texts import EVIDENCE, EvidenceCode
from sms10692_mock.domain.profiles import PROFILES
from sms10692_mock.domain.results import REFUSAL_VALUES
from sms10692_mock.domain.validation import RULES
from sms10692_mock.domain.vendor import HANDLERS
from support.exchanges import EXCHANGES

TOP = Path(__file__).parents[2]
PACKAGES = {"client": "sms10692", "mock_server": "sms10692_mock"}
MODULES = sorted(file for folder in PACKAGES for file in (TOP / folder).rglob("*.py"))
EACH_MODULE = pytest.mark.parametrize("module", MODULES, ids=lambda file: file.relative_to(TOP).as_posix())
EACH_OPERATION = pytest.mark.parametrize("operation", protocol.OPERATIONS, ids=lambda operation: operation.name)


@pytest.mark.parametrize(("folder", "package"), PACKAGES.items())
def test_a_source_folder_contains_only_its_package(folder: str, package: str) -> None:
    assert [file.name for file in (TOP / folder).iterdir() if file.name != "__pycache__"] == [package]
    assert (TOP / folder / package / "py.typed").exists()


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("sms10692.protocol", ["flask", "lxml", "httpx2", "asyncio"]),
        (
            "sms10692_mock",
            ["flask", "asyncio", "click", "httpx2", "pydantic", "sms10692", "sms10692_mock.domain.vendor"],
        ),
        ("sms10692_mock.pytest_plugin", ["flask", "asyncio", "click", "httpx2", "pydantic", "sms10692"]),
        ("sms10692_mock.testing.control", ["flask", "asyncio", "click", "pydantic", "lxml", "pytest"]),
        ("sms10692_mock.cli", ["flask", "werkzeug", "jinja2"]),
        ("sms10692_mock.diagnosis", ["flask", "werkzeug", "click", "lxml", "asyncio"]),
    ],
)
def test_an_import_does_not_load_heavy_modules(module: str, heavy: list[str]) -> None:
    program = f"import sys, {module}; print(*(name for name in {heavy!r} if name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "\n"


def strings(module: Path) -> Iterator[str]:
    """Yield the string constants of a module, without docstrings."""
    tree = ast.parse(module.read_text("utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


WIRE_WORDS = {
    word
    for operation in protocol.OPERATIONS
    for word in (
        *operation.all_messages,
        *operation.elements,
        operation.item_element,
        operation.success,
        operation.failure,
    )
    # Ordinary English words and field names of the control API are excluded.
    if word and word not in {"message", "content", "status", "overage", "ok", "mobile", "payinfo", "errorcode", "extno"}
}


@EACH_MODULE
def test_wire_names_are_in_the_module_protocol_only(module: Path) -> None:
    if module.name != "protocol.py":
        assert not WIRE_WORDS.intersection(strings(module))


@EACH_OPERATION
def test_an_operation_is_complete(operation: protocol.Operation) -> None:
    assert operation.endpoints
    assert operation in RULES
    assert operation in HANDLERS
    assert len(KEYS[operation]) == len(operation.elements)
    assert any(exchange.name.startswith(f"{operation.chapter}-{operation.name}/") for exchange in EXCHANGES)
    for profile in PROFILES.values():
        assert operation.item_element or profile.refusal_layout(operation) in REFUSAL_VALUES


@pytest.mark.parametrize("endpoint", protocol.ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_an_endpoint_is_complete(endpoint: protocol.Endpoint) -> None:
    assert endpoint.charset in DECODERS
    assert endpoint.charset in ENCODERS
    name = endpoint.authentication.name
    assert endpoint.authentication in CREDENTIALS_CHECKS, f"domain/authentication.py has no check of {name}"
    assert f"account.authentication_{name}" in texts(), f"admin/console/texts.toml has no name of {name}"
    snippets = TOP / "mock_server" / "sms10692_mock" / "admin" / "console" / "templates" / "snippets"
    languages = [file.name for file in (snippets / protocol.SIGNED.name).iterdir()]
    missing = [language for language in languages if not (snippets / name / language).is_file()]
    assert not missing, f"{snippets / name} lacks {missing}"
    assert protocol.SIGNED.parameters[0] in endpoint.authentication.parameters, "an account is found by its userid"
    assert set(endpoint.operations) <= set(protocol.OPERATIONS)
    assert len({operation.action for operation in endpoint.operations}) == len(endpoint.operations)


def test_the_registry_of_evidence_is_complete() -> None:
    for code in {*get_args(EvidenceCode)} - REMARKS:
        assert code in EVIDENCE, f"neither domain/evidence.py nor a key of a profile has the texts of {code}"
    for code, row in EVIDENCE.items():
        assert row.en.count("{}") == row.zh.count("{}"), code


def test_each_endpoint_has_a_path_of_its_own() -> None:
    assert len({endpoint.path.lower() for endpoint in protocol.ENDPOINTS}) == len(protocol.ENDPOINTS)


READINGS = re.findall(r"^## R(\d+) ", (TOP / "fixtures" / "readings.md").read_text("utf-8"), re.MULTILINE)
TESTS = "\n".join(file.read_text("utf-8") for file in (TOP / "tests").rglob("test_*.py"))


def test_readings_are_numbered_one_after_another() -> None:
    assert [int(number) for number in READINGS] == list(range(1, len(READINGS) + 1))


def test_the_readings_have_the_same_titles_in_chinese_as_in_the_console() -> None:
    text = (TOP / "fixtures" / "readings.zh-CN.md").read_text("utf-8")
    titles = re.findall(r"^## (R\d+) (.*)$", text, re.MULTILINE)
    assert titles == [(reading.number, reading.chinese) for reading in readings()]


@pytest.mark.parametrize("number", READINGS)
def test_a_reading_has_a_test(number: str) -> None:
    assert f"def test_r{number}_" in TESTS


@EACH_MODULE
def test_a_reading_cited_in_code_exists(module: Path) -> None:
    assert set(re.findall(r"\bR(\d+)\b", module.read_text("utf-8"))) <= set(READINGS)


@pytest.mark.parametrize("target", ["run", "check"])
def test_make_installs_in_a_folder_whose_name_has_spaces_and_chinese(target: str, tmp_path: Path) -> None:
    """A script in place of the environment's Python shows the files that the installation uses."""
    folder = tmp_path / "目录 with spaces"
    program = folder / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(TOP / name, folder)
    program.write_text(
        '#!/bin/sh\ncase "$*" in *"pip install"*) cat "$PIP_CONSTRAINT" >installed; exit 3; esac\n', "utf-8"
    )
    program.chmod(0o755)
    make = shutil.which("make") or "make"
    result = subprocess.run([make, target], cwd=folder, capture_output=True, encoding="utf-8", check=False)
    assert "Error 3" in result.stderr  # of the script: `make` came as far as the installation
    assert (folder / "installed").read_text("utf-8") == (TOP / "constraints.txt").read_text("utf-8")
