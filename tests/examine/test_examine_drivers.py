"""The ready-made drivers: each passes every case, the command prints them, and the part to keep is short."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click import BadParameter

from sms10692_examine.ready_drivers import DRIVERS, FOLDER, ReadyDriver
from sms10692_examine.runner import RunResult, run_cases, select_cases
from sms10692_examine.settings import Authentication, Charset, Settings
from sms10692_examine.verdicts import State
from support.documents import BLOCKS
from support.examining import examine, invoke_examine

FIRST_DRAFT = Path(__file__).with_name("first_draft.php")
IS_FULL = "SMS10692_FULL_DRIVERS" in os.environ
"""Whether `make test-examine-drivers` runs every driver at every page."""

IN_BRIEF: dict[str, tuple[Authentication, Charset]] = {
    "php": ("signed", "gb2312"),
    "node": ("password", "gb2312"),
    "python": ("signed", "utf-8"),
}
"""The drivers that run in each run of the tests, with a page each."""
PAGES: tuple[tuple[Authentication, Charset], ...] = (
    ("signed", "utf-8"),
    ("signed", "gb2312"),
    ("password", "utf-8"),
    ("password", "gb2312"),
)
RUNS = (
    [(name, *page) for name in DRIVERS for page in PAGES]
    if IS_FULL
    else [(name, *page) for name, page in IN_BRIEF.items()]
)
SIGNED_ONLY = {"Q-signature", "Q-timestamp", "Q-24-hours", "Q-one-clock", "Q-no-password"}
DURABLE_ONLY = {"E-status-killed", "E-call-killed"}
PROTOCOL_PART = re.compile(r"(?://|#) ---- The driver: keep this part\..*\n(?P<code>[^\v]*?)(?=\n(?://|#) ----|\Z)")


def build(driver: ReadyDriver, folder: Path) -> tuple[str, ...]:
    """Put a driver into a folder, build it, and return the command that runs it. Skips without the runtime."""
    (folder / driver.file).write_bytes(driver.read())
    tools = [commands[0] for commands in (driver.build, driver.run) if commands and "/" not in commands[0]]
    for tool in tools:
        if tool != "python" and shutil.which(tool) is None:
            assert not IS_FULL, f"{tool} is missing; see .ci/install-driver-runtimes"
            pytest.skip(f"{tool} is not installed")
    if driver.build:
        subprocess.run(driver.build, cwd=folder, check=True)
    names = {
        "python": sys.executable,
        driver.file: str(folder / driver.file),
        ".": str(folder),
        "./driver": str(folder / "driver"),
        "Driver.exe": str(folder / "Driver.exe"),
    }
    return tuple(names.get(word, word) for word in driver.run)


def examine_driver(run: tuple[str, ...], authentication: Authentication, charset: Charset, *cases: str) -> RunResult:
    return examine(Settings(run, authentication, charset, jobs=6), select_cases(cases))


@pytest.mark.slow("Runs 129 cases.")
@pytest.mark.parametrize(("language", "authentication", "charset"), RUNS)
def test_a_ready_driver_passes_every_case(
    language: str, authentication: Authentication, charset: Charset, tmp_path: Path
) -> None:
    result = examine_driver(build(DRIVERS[language], tmp_path), authentication, charset)
    others = {
        verdict.case.id: f"{verdict.state.value}: {verdict.observed}"
        for verdict in result.verdicts
        if verdict.state is not State.PASSED
    }
    allowed = DURABLE_ONLY | (SIGNED_ONLY if authentication == "password" else set())
    if (language, charset) == ("go", "gb2312"):  # Go has no table of GBK, and says so
        unsupported = {"send", "overage", "checkkeyword"}
        assert all(
            any(text == f"not supported: the client does not support {name}" for name in unsupported)
            for case, text in others.items()
            if case not in allowed
        )
        assert {"R-status-4000", "R-call-entities", "F-status-lost", "E-status-drain"}.isdisjoint(others)
        return
    assert {case: text for case, text in others.items() if case not in allowed} == {}
    assert set(others) == allowed


def test_a_first_draft_fails(tmp_path: Path) -> None:
    """The example of the documents: one case of each kind that it is about."""
    if shutil.which("php") is None:
        pytest.skip("php is not installed")
    cases = ("Q-timestamp", "Q-ampersand", "R-status-word", "R-status-errors", "F-error-page")
    result = run_cases(Settings(("php", str(FIRST_DRAFT))), select_cases(cases))
    assert [verdict.state for verdict in result.verdicts] == [State.FAILED] * len(cases)


@pytest.mark.slow("Starts programs for each value of seven cases.")
def test_the_driver_of_bash_and_curl_passes(tmp_path: Path) -> None:
    """The example of docs/examine-drivers.md, with a case of each group."""
    for tool in ("bash", "curl", "jq", "xmllint"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    (example,) = (block for block in BLOCKS if (block.document, block.language) == ("docs/examine-drivers.md", "bash"))
    (tmp_path / "driver.sh").write_text(example.text, "utf-8")
    cases = ("Q-timestamp", "Q-percent", "Q-send-time-zone", "R-faild", "R-postpaid", "F-error-page", "F-reset")
    result = examine_driver(("bash", str(tmp_path / "driver.sh")), "signed", "utf-8", *cases)
    assert [(verdict.state, verdict.observed) for verdict in result.verdicts] == [(State.PASSED, "")] * len(cases)


@pytest.mark.parametrize("language", DRIVERS)
def test_the_command_prints_a_driver_byte_for_byte(language: str) -> None:
    result = invoke_examine("driver", language)
    assert result.stdout_bytes == (FOLDER / DRIVERS[language].file).read_bytes()


def test_the_command_lists_the_languages_with_their_commands() -> None:
    result = invoke_examine("driver")
    lines = result.stdout.splitlines()
    assert [line.split(" (")[0] for line in lines if not line.startswith(" ")] == list(DRIVERS)
    assert "  sms10692-examine run -- php driver.php" in lines
    assert "  javac Driver.java" in lines
    assert sorted(driver.file for driver in DRIVERS.values()) == sorted(
        file.name for file in FOLDER.iterdir() if file.is_file()
    )


def test_the_command_refuses_another_language() -> None:
    with pytest.raises(BadParameter, match="'cobol' is not one of 'php', 'node'"):
        invoke_examine("driver", "cobol")


@pytest.mark.parametrize("language", DRIVERS)
def test_the_part_to_keep_has_at_most_forty_lines(language: str) -> None:
    part = PROTOCOL_PART.search(DRIVERS[language].read().decode())
    assert part is not None
    lines = [line for line in part["code"].splitlines() if line.strip() and line.strip() not in ("{", "}")]
    assert 25 <= len(lines) <= 40


@pytest.mark.slow("Compiles Go.")
def test_the_part_of_the_go_driver_to_keep_has_every_type_but_the_client(tmp_path: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("go is not installed")
    head, _, rest = DRIVERS["go"].read().decode().partition("// ---- The client")
    (tmp_path / "driver.go").write_text(head + rest[rest.index("// ---- The driver") :], "utf-8")
    command = ["go", "build", "-gcflags=-e", "driver.go"]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False).stderr
    assert set(re.findall(r"undefined: (\w+)", printed)) == {"SmsClient", "NewSmsClient", "SmsRefused"}


def get_snippet(document: str, language: str) -> str:
    """The only block of a language in a document; every page in both languages has the same."""
    (block,) = (block for block in BLOCKS if (block.document, block.language) == (document, language))
    return block.text


JAVA_CLIENT = """
class ShopSmsRefused extends Exception { ShopSmsRefused(String message) { super(message); } }

class ShopSms {
    private final SmsClient client;

    ShopSms(String url, String userid, String account, String password, double timeout) {
        client = new SmsClient(Map.of("url", url, "userid", userid, "account", account, "password", password,
                "timeout", timeout, "authentication", "signed", "charset", "utf-8", "clock_offset", 0L));
    }

    long sendSms(List<String> mobiles, String content) throws ShopSmsRefused, IOException {
        try {
            return Long.parseLong((String) client.send(mobiles, content, null, "").get("taskID"));
        } catch (SmsRefused error) {
            throw new ShopSmsRefused(error.getMessage());
        } catch (SmsUnknown error) {
            throw new IOException(error.getMessage());
        }
    }
}
"""
PHP_CLIENT = """
final class ShopSmsRefused extends Exception {}

final class ShopSms
{
    private SmsClient $client;

    public function __construct(string $url, string $userid, string $account, string $password, float $timeout)
    {
        $this->client = new SmsClient(compact('url', 'userid', 'account', 'password', 'timeout')
            + ['authentication' => 'signed', 'charset' => 'utf-8', 'clock_offset' => 0]);
    }

    public function sendSms(array $mobiles, string $content, string $extno): string
    {
        try {
            return $this->client->send($mobiles, $content, null, $extno)['taskID'];
        } catch (SmsRefused $error) {
            throw new ShopSmsRefused($error->getMessage());
        }
    }

    public function getReports(): array
    {
        return array_map(fn ($item) => (object) ['mobile' => $item['mobile'], 'taskId' => $item['taskid'],
            'isDelivered' => $item['status'] === '10', 'time' => $item['receivetime'],
            'errorCode' => $item['errorcode'], 'extno' => $item['extno']], $this->client->fetch('status'));
    }
}
"""
"""Clients as the documents name them, over those of the ready-made drivers."""


def build_java_snippet(folder: Path) -> tuple[str, ...]:
    """Put the lines of the document into the driver as it says: in place of the rest of the loop, and without work."""
    source = DRIVERS["java"].read().decode()
    start = source.index("            };\n            if (request") + len("            };\n")
    end = source.index("        }\n    }\n\n    @SuppressWarnings", start)
    last = source.rindex("\n}\n", end, source.index("/** The vendor refused")) + 1
    loop = source[:start] + get_snippet("docs/examine-drivers.md", "java")
    rest = f"        }}\n    }}\n{source[last:]}{JAVA_CLIENT}"
    source = f"{loop}{rest}".replace("SmsClient client = null;", "ShopSms client = null;")
    (folder / "Driver.java").write_text(source, "utf-8")
    subprocess.run(["javac", "Driver.java"], cwd=folder, check=True)  # noqa: S607 - the compiler in PATH
    return "java", "-cp", str(folder), "Driver"


def build_php_snippet(folder: Path) -> tuple[str, ...]:
    client = DRIVERS["php"].read().decode().partition("// ---- The driver")[0]
    (folder / "vendor").mkdir()
    (folder / "vendor" / "autoload.php").write_text(client + PHP_CLIENT, "utf-8")
    (folder / "driver.php").write_text(get_snippet("docs/examine-drivers.md", "php"), "utf-8")
    return "php", str(folder / "driver.php")


GO_CLIENT = """
package sms

import (
	"errors"
	"time"
)

type Client struct{ inner *SmsClient }

type Refused struct{ error }

func New(url, userid, account, password string, timeout time.Duration) *Client {
	return &Client{NewSmsClient(Settings{URL: url, UserID: userid, Account: account, Password: password,
		Authentication: "signed", Charset: "utf-8", Timeout: timeout.Seconds()})}
}

func (client *Client) Send(mobiles []string, content string) (string, error) {
	sent, err := client.inner.Send(mobiles, content, nil, "")
	if errors.As(err, new(SmsRefused)) {
		return "", Refused{err}
	}
	return sent.TaskID, err
}
"""


def build_go_snippet(folder: Path) -> tuple[str, ...]:
    """The lines of the document are a program in the module of a client, which is that of the driver as a package."""
    client = DRIVERS["go"].read().decode()
    assert client.count("package main") == 1
    files = {
        "go.mod": "module example.com/shop\n\ngo 1.18\n",
        "sms/driver.go": client.replace("package main", "package sms"),
        "sms/shop.go": GO_CLIENT,
        "cmd/driver/main.go": get_snippet("docs/examine-drivers.md", "go"),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    subprocess.run(["go", "build", "-o", "driver", "./cmd/driver"], cwd=folder, check=True)  # noqa: S607 - in PATH
    return (str(folder / "driver"),)


SNIPPETS = {
    "go": (build_go_snippet, {"Q-send-time", "Q-extno"}),
    "java": (build_java_snippet, {"Q-send-time", "Q-extno"}),
    "php": (build_php_snippet, {"Q-send-time"}),
}
"""How a snippet becomes a driver, and the cases that its client does not support."""


@pytest.mark.slow("Compiles Java and Go.")
@pytest.mark.parametrize("language", SNIPPETS)
def test_the_driver_snippet_of_the_document_is_complete(language: str, tmp_path: Path) -> None:
    assert get_snippet("docs/examine-drivers.md", language) == get_snippet("docs/examine-drivers.zh-CN.md", language)
    for tool in {"go": ("go",), "java": ("java", "javac"), "php": ("php",)}[language]:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    build_snippet, unsupported = SNIPPETS[language]
    cases = ("Q-signature", "Q-plus", "Q-send-time", "Q-extno", "Q-parameters", "R-faild", "F-error-page")
    result = examine_driver(build_snippet(tmp_path), "signed", "utf-8", *cases)
    states = {verdict.case.id: verdict.state for verdict in result.verdicts}
    assert states == dict.fromkeys(cases, State.PASSED) | dict.fromkeys(unsupported, State.NOT_SUPPORTED)
