"""What can be checked of Windows and macOS on another system: imports, encodings, line ends, and paths.

The project was never run there; `.github/workflows/test.yml` says so.
"""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest
import trustme

from sms10692.cli.commands import command as client_command
from sms10692.recipients import parse_file
from sms10692_contract.clauses import BY_ID
from sms10692_contract.expected_differences import load_differences
from sms10692_contract.run_command import run as suite_command
from sms10692_mock.admin.services.initial_state import load_initial_state
from sms10692_mock.cli import command as emulator_command
from sms10692_mock.domain.keywords import load_words
from sms10692_mock.profile_file import parse_profile
from support.emulators import emulator_process
from support.http_client import TIMEOUT, build_request, closed_port, connect, read_all
from support.recordings import recorder_process

TOP = Path(__file__).parents[2]
PACKAGES = {
    "sms10692": "client",
    "sms10692_mock": "mock_server",
    "sms10692_contract": "contract_tests",
    "sms10692_examine": "contract_tests",
}

# Imports


WITHOUT_POSIX = """
import asyncio, builtins, importlib, json, os, select, signal, socket, sys

POSIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
POSIX_NAMES = {
    os: "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK chown fchmod fchown fork getegid geteuid getgid getpgid getuid"
        " killpg lockf mkfifo openpty posix_fadvise posix_spawn pread preadv pwrite pwritev register_at_fork"
        " sched_getaffinity sendfile setsid setuid uname wait3 wait4 writev",
    select: "epoll poll",
    signal: "SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGPOLL SIGPROF SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2"
        " SIGWINCH alarm pause pthread_kill pthread_sigmask setitimer siginterrupt sigpending sigtimedwait sigwait",
    socket: "AF_UNIX SCM_RIGHTS SO_REUSEPORT recv_fds send_fds sethostname",
}

own = json.loads(sys.argv[1])
prefixes = tuple({name.partition(".")[0] for name in own})
for name in own:
    importlib.import_module(name)  # libraries import what their own system needs
for name in [name for name in sys.modules if name.partition(".")[0] in prefixes]:
    del sys.modules[name]

import_anything = builtins.__import__

def import_as_windows(name, globals=None, *arguments, **keywords):
    importer = (globals or {}).get("__name__") or ""
    if importer.partition(".")[0] in prefixes and name.partition(".")[0] in POSIX_MODULES:
        raise ImportError(f"{name} is not available on Windows")
    return import_anything(name, globals, *arguments, **keywords)

for module, names in POSIX_NAMES.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
asyncio.ProactorEventLoop = asyncio.SelectorEventLoop
builtins.__import__ = import_as_windows
sys.platform = "win32"
failed = {}
for name in own:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = repr(error)
builtins.__import__ = import_anything
sys.platform = "linux"
print(json.dumps(failed))
"""
"""Imports the modules named in its argument as Windows would, and prints the errors."""


def import_without_posix(names: Iterable[str], path: Iterable[Path] = ()) -> dict[str, str]:
    """The errors of importing these modules without what Windows lacks, by module."""
    completed = subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX, json.dumps(list(names))],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    errors: dict[str, str] = json.loads(completed.stdout)
    return errors


def module_names(package: str) -> list[str]:
    """All modules of a shipped package, except those that end the process or need pytest to import them."""
    source = TOP / PACKAGES[package]
    files = sorted((source / package).rglob("*.py"))
    names = (".".join(file.relative_to(source).with_suffix("").parts).removesuffix(".__init__") for file in files)
    return [name for name in names if not name.endswith(("__main__", ".test_clauses"))]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_can_be_imported_without_posix(package: str) -> None:
    names = module_names(package)
    assert len(names) > 5
    assert import_without_posix(names) == {}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("import fcntl", "fcntl is not available on Windows"),
        ("from resource import getrlimit", "resource is not available on Windows"),
        ("import signal; signal.SIGHUP", "no attribute 'SIGHUP'"),
        ("import os; os.getuid", "no attribute 'getuid'"),
    ],
)
def test_what_windows_lacks_is_noticed(tmp_path: Path, text: str, error: str) -> None:
    condition = "import sys\nif sys.platform == 'win32':\n    "
    (tmp_path / "module_of_the_test.py").write_text(condition + text, "utf-8")
    (found,) = import_without_posix(["module_of_the_test"], [tmp_path]).values()
    assert error in found


# Files of users


STATE = '[[accounts]]\nuserid = "7"\naccount = "店铺"\npassword = "secret"\npoints = 500\n'
PROFILE = '[texts]\nforbidden-word = "包含屏蔽词"\n'
WORDS = "发票\n办证\n"
DIFFERENCES = '[[difference]]\nclause = "1.1-utf8"\nobservation = "内容"\nreason = "理由"\nsince = "2026-01-01"\n'
FORMS = {
    "plain": lambda text: text.encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "BOM": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "BOM and CRLF": lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
    "no line end": lambda text: text.rstrip("\n").encode(),
}
"""How editors save the same text."""


@pytest.fixture(params=FORMS.values(), ids=list(FORMS))
def save(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    def write(text: str, name: str = "文件 1.toml") -> Path:
        file = tmp_path / name
        file.write_bytes(request.param(text))
        return file

    return write


def test_a_start_state_may_be_saved_by_any_editor(save: Any) -> None:
    (account,) = load_initial_state(save(STATE)).state.accounts
    assert (account.account, account.points) == ("店铺", 500)


def test_a_profile_may_be_saved_by_any_editor(save: Any) -> None:
    assert parse_profile(str(save(PROFILE))).texts == {"forbidden-word": "包含屏蔽词"}


def test_a_word_list_may_be_saved_by_any_editor(save: Any) -> None:
    assert load_words(save(WORDS)) == ["发票", "办证"]


def test_accepted_differences_may_be_saved_by_any_editor(save: Any) -> None:
    assert "1.1-utf8" in BY_ID
    (difference,) = load_differences(save(DIFFERENCES))
    assert (difference.observation, difference.reason) == ("内容", "理由")


def test_recipients_may_be_saved_by_any_editor(save: Any) -> None:
    with save("手机号,姓名\n15023239810,张三\n10000000030,李四\n", "收件人 1.csv").open("rb") as file:
        assert list(parse_file(file, "手机号").numbers) == ["15023239810", "10000000030"]


# Commands in every encoding, and paths


CLOSED = "http://127.0.0.1:1"
COMMANDS: dict[str, list[tuple[int, list[str]]]] = {
    "sms10692_mock": [
        (2, ["serve", "--initial-state", "没有 文件.toml"]),
        (1, ["explain", "--lang", "zh", "action=send&userid=12&content=内容€😀"]),
        (0, ["profile", "--show", "manual"]),
        (0, ["profile", "--schema"]),
        (2, ["backup", "--store", "sqlite:没有 €.db", "备份😀.db"]),
        (1, ["ready", "--url", CLOSED]),
        (2, ["record", "--to", "厂商😀€", "--out", "录制 €"]),
        (0, ["trust", "--tls-folder", "证书 €"]),
    ],
    "sms10692": [
        (0, ["send", "15023239810", "--text", "内容€😀"]),
        (0, ["overage"]),
        (0, ["checkkeyword", "发票€😀"]),
        (0, ["status", "--json"]),
        (0, ["call"]),
    ],
    "sms10692_contract": [
        (0, ["run", "{url}", "--control", "{url}", "--only", "1.1-utf8"]),
        (0, ["run", "{url}", "--control", "{url}", "--list"]),
    ],
}
"""Command lines with their exit codes, by program. Each command of a program occurs."""

RUN_ALL = """
import importlib, json, sys

main = importlib.import_module(f"{sys.argv[1]}.__main__").main
for expected, arguments in json.loads(sys.argv[2]):
    sys.argv[1:] = arguments
    code = 0
    try:
        main()
    except SystemExit as exit:
        code = exit.code or 0
    if code != expected:
        raise AssertionError(f"{arguments!a} exited with {code}, not {expected}")
"""


def names_of(command: click.Command) -> set[str]:
    return set(command.commands) if isinstance(command, click.Group) else set()


def test_each_command_is_run_in_every_encoding() -> None:
    first_words = {program: {arguments[0] for _, arguments in rows} for program, rows in COMMANDS.items()}
    assert first_words["sms10692_mock"] == names_of(emulator_command)
    assert first_words["sms10692"] == names_of(client_command)
    assert first_words["sms10692_contract"] == {"run"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with emulator_process("--log-level", "error") as (_, (host, port)):
        yield f"http://{host}:{port}"


@pytest.mark.slow("Starts a process for each program and encoding.")
@pytest.mark.parametrize("encoding", ["cp936", "cp1252", "ascii"])
@pytest.mark.parametrize("program", COMMANDS)
def test_every_command_writes_in_every_encoding(program: str, encoding: str, url: str, tmp_path: Path) -> None:
    commands = [(code, [word.format(url=url) for word in arguments]) for code, arguments in COMMANDS[program]]
    variables = {"SMS10692_USERID": "12", "SMS10692_ACCOUNT": "test", "SMS10692_PASSWORD": "mima", "SMS10692_URL": url}
    given = {} if program == "sms10692_mock" else variables
    completed = subprocess.run(
        [sys.executable, "-c", RUN_ALL, program, json.dumps(commands)],
        env=os.environ | given | {"PYTHONIOENCODING": encoding},
        cwd=tmp_path,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    errors = completed.stderr.decode(encoding)
    output = completed.stdout.decode(encoding)
    assert completed.returncode == 0, errors
    assert "Traceback" not in errors
    if program == "sms10692_mock":
        texts = ("厂商会拒绝这个请求", "没有 文件.toml", "€")
        for text in texts:
            assert text.encode(encoding, "backslashreplace").decode(encoding) in output + errors


PATH_COMMANDS: list[tuple[str, list[str]]] = [
    ("sms10692_mock", ["backup", "--store", "sqlite:{folder}/库.db", "{folder}/备份 1.db"]),
    ("sms10692_mock", ["explain", "--profile", "{folder}/品牌 1.toml", "action=send"]),
    ("sms10692_mock", ["profile", "--show", "{folder}/品牌 1.toml"]),
    ("sms10692_mock", ["profile", "--check", "{folder}/品牌 1.toml"]),
    ("sms10692", ["send", "--file", "{folder}/收件人 1.txt", "--text", "内容", "--ca", "{folder}/证书 1.pem"]),
    ("sms10692", ["status", "--spool", "{folder}/状态 报告", "--ca", "{folder}/证书 1.pem"]),
    ("sms10692", ["call", "--spool", "{folder}/上行 1", "--ca", "{folder}/证书 1.pem"]),
    ("sms10692", ["overage", "--ca", "{folder}/证书 1.pem"]),
    ("sms10692", ["checkkeyword", "x", "--ca", "{folder}/证书 1.pem"]),
    ("sms10692_mock", ["trust", "--tls-folder", "{folder}/证书 2"]),
    ("sms10692_mock", ["ready", "--url", "{url}", "--ca", "{folder}/证书 1.pem"]),
    (
        "sms10692_contract",
        [
            *(
                "run",
                "{url}",
                "--only",
                "1.1-utf8",
                "--rate",
                "0",
                "--allow-fetch",
                "--fetched",
                "{folder}/取走 1.jsonl",
            ),
            *(
                "--expect",
                "{folder}/差异 1.toml",
                "--write-expect",
                "{folder}/差异 2.toml",
                "--ca",
                "{folder}/证书 1.pem",
            ),
            *("--html", "{folder}/报告 1.html", "--junit", "{folder}/报告 1.xml"),
        ],
    ),
]
"""Command lines with every option that takes a path, beside those of `serve`."""

SERVE_PATHS = [
    *("--store", "sqlite:{folder}/库.db", "--initial-state", "{folder}/状态 1.toml", "--keywords", "{folder}/词 1.txt"),
    *("--profile", "manual", "--profile", "{folder}/品牌 1.toml", "--log-file", "{folder}/日志 1.log"),
    *("--tls", "self-signed", "--tls-folder", "{folder}/证书 2", "--tls-port", "0"),
]
CERTIFICATE_PATHS = ["--tls-cert", "{folder}/证书 1.pem", "--tls-key", "{folder}/密钥 1.pem", "--tls-port", "0"]
CERTIFICATE_PATHS += ["--replay", "{folder}/录制 1"]
RECORD_PATHS = ["--out", "{folder}/录制 1", "--ca", "{folder}/证书 1.pem"]

WRITTEN = ["库.db", "备份 1.db", "差异 2.toml", "报告 1.html", "报告 1.xml", "日志 1.log"]
"""Files that these commands write."""


def takes_path(parameter: click.Parameter) -> bool:
    if isinstance(parameter.type, click.Path | click.File):
        return True
    words = set((parameter.metavar or "").split("|"))
    return bool(words & {"FILE", "PATH", "FOLDER"}) or parameter.name == "store"


def path_parameters(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The options and arguments that take a path, with the command before each."""
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from path_parameters(each, (*words, name))
        return
    for parameter in command.params:
        if takes_path(parameter):
            yield (*words, parameter.opts[0])


def test_every_option_that_takes_a_path_is_tried() -> None:
    """A new option needs a place in `PATH_COMMANDS`, or in the list of its command."""
    expected = {
        *path_parameters(emulator_command, ("sms10692_mock",)),
        *path_parameters(client_command, ("sms10692",)),
        *path_parameters(suite_command, ("sms10692_contract", "run")),
    }
    tried = set()
    lasting = [["serve", *SERVE_PATHS, *CERTIFICATE_PATHS], ["record", *RECORD_PATHS]]
    for program, words in [*(("sms10692_mock", words) for words in lasting), *PATH_COMMANDS]:
        for option, value in itertools.pairwise(words):
            if "{folder}" in value:
                tried.add((program, words[0], option if option.startswith("--") else "path"))
    assert tried == expected


@pytest.mark.slow("Runs every command with a path.")
def test_paths_may_contain_spaces_and_chinese(tmp_path: Path) -> None:
    folder = tmp_path / "目录 with spaces"
    folder.mkdir()
    for name, text in (("状态 1.toml", STATE), ("词 1.txt", WORDS), ("品牌 1.toml", PROFILE), ("差异 1.toml", "")):
        (folder / name).write_text(text, "utf-8")
    (folder / "收件人 1.txt").write_text("15023239810\n", "utf-8")
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(folder / "证书 1.pem")
    certificate.private_key_pem.write_to_path(folder / "密钥 1.pem")

    def fill(words: Iterable[str], url: str = "") -> list[str]:
        return [word.format(folder=folder, url=url) for word in words]

    with emulator_process(*fill(SERVE_PATHS)) as (_, (host, port)):
        url = f"http://{host}:{port}"
        own = {"USERID": "7", "ACCOUNT": "店铺", "PASSWORD": "secret", "URL": url}
        variables = {f"SMS10692_{name}": value for name, value in own.items()}
        for program, words in PATH_COMMANDS:
            completed = subprocess.run(
                [sys.executable, "-m", program, *fill(words, url)],
                env=os.environ | {"PYTHONIOENCODING": "utf-8"} | ({} if program == "sms10692_mock" else variables),
                capture_output=True,
                encoding="utf-8",
                timeout=TIMEOUT,
                check=False,
            )
            assert completed.returncode == (1 if words[0] == "explain" else 0), completed.stdout + completed.stderr
            if words[:2] == ["profile", "--show"]:
                assert "包含屏蔽词" in completed.stdout
    _, out, *trust = fill(RECORD_PATHS)
    with closed_port() as closed, recorder_process(f"https://127.0.0.1:{closed}", Path(out), *trust) as started:
        process, address = started
        with connect(address) as connection, suppress(OSError):  # the recorder resets the connection
            connection.sendall(build_request("/v2sms.aspx", b"action=overage"))
            read_all(connection)
        process.terminate()
        assert process.wait(TIMEOUT) == 0
    with emulator_process(*fill(CERTIFICATE_PATHS)):
        pass  # it listens
    for name in WRITTEN:
        assert (folder / name).exists(), name
