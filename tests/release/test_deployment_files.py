"""The files that start the emulator elsewhere, and the blocks of docs/docker.md: valid, and true of the emulator.

Schemas are those that the validators contain. What a file tells an emulator is given to an emulator.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from check_port import find_taken_address
from sms10692 import Client
from sms10692_mock import EmulatorControl
from sms10692_mock.serve_options import OPTIONS
from support.composite_action import load_action, run_step, running_emulator
from support.documents import BLOCKS
from support.emulators import emulator_process
from support.http_client import TIMEOUT, Address, build_request, free_port, send_raw
from support.valkey_server import SERVERS_AVAILABLE, start_server

TOP = Path(__file__).parents[2]
EACH_LANGUAGE = pytest.mark.parametrize("suffix", [".md", ".zh-CN.md"], ids=["English", "Chinese"])
TOKEN = "a-token-of-the-tests"
KUBERNETES = "1.33"
VARIABLES = {spec.variable for spec in OPTIONS.values()}


def load(name: str) -> Any:
    return yaml.safe_load((TOP / name).read_text("utf-8"))


def blocks(language: str, suffix: str = ".md") -> list[str]:
    """The blocks of docs/docker in this language."""
    return [block.text for block in BLOCKS if (block.document, block.language) == (f"docs/docker{suffix}", language)]


def find_mistakes(schema: str, file: Path) -> str:
    """What is wrong with a file by a schema of `check-jsonschema`, or nothing."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(file)]
    transform = ["--data-transform", "gitlab-ci"] if schema == "gitlab-ci" else []
    completed = subprocess.run([*command, *transform], capture_output=True, encoding="utf-8", check=False)
    return "" if completed.returncode == 0 else completed.stdout + completed.stderr


# Schemas


FILES = {
    "deploy/compose.yaml": "compose-spec",
    "deploy/compose.replicated.yaml": "compose-spec",
    "action.yml": "github-actions",
    ".github/workflows/test.yml": "github-workflows",
    ".github/workflows/release.yml": "github-workflows",
}


@pytest.mark.parametrize(("name", "schema"), FILES.items(), ids=list(FILES))
def test_a_file_obeys_its_schema(name: str, schema: str) -> None:
    assert find_mistakes(schema, TOP / name) == ""


def test_every_workflow_is_checked() -> None:
    workflows = {file.relative_to(TOP).as_posix() for file in (TOP / ".github" / "workflows").iterdir()}
    assert workflows == {name for name in FILES if name.startswith(".github/")}


@EACH_LANGUAGE
def test_the_blocks_for_github_and_gitlab_obey_their_schemas(suffix: str, tmp_path: Path) -> None:
    schemas = ["github-workflows", "github-workflows", "gitlab-ci"]
    for number, (schema, text) in enumerate(zip(schemas, blocks("yaml", suffix), strict=True)):
        file = tmp_path / f"{number}.yml"
        file.write_text(text, "utf-8")
        assert find_mistakes(schema, file) == ""


@pytest.mark.parametrize(
    ("name", "word", "wrong"),
    [
        ("deploy/compose.yaml", "environment:", "enviroment:"),
        ("action.yml", "using: composite", "using: compositions"),
        (".github/workflows/test.yml", "runs-on:", "run-on:"),
    ],
)
def test_a_schema_finds_a_wrong_word(name: str, word: str, wrong: str, tmp_path: Path) -> None:
    text = (TOP / name).read_text("utf-8")
    assert word in text
    file = tmp_path / "wrong.yml"
    file.write_text(text.replace(word, wrong), "utf-8")
    assert find_mistakes(FILES[name], file) != ""


def kubernetes_objects() -> dict[str, Any]:
    return {document["kind"]: document for document in yaml.safe_load_all((TOP / "deploy/kubernetes.yaml").read_text())}


def test_the_kubernetes_objects_obey_their_schemas() -> None:
    for document in kubernetes_objects().values():
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    wrong = kubernetes_objects()["Deployment"]
    wrong["spec"]["replica"] = 1
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


def test_both_languages_have_the_same_blocks() -> None:
    for language in ("sh", "yaml", "java", "js"):
        assert blocks(language)
        assert blocks(language) == blocks(language, ".zh-CN.md")


# What the files tell the emulator


def compose_environment(service: dict[str, Any], **replaced: str) -> dict[str, str]:
    """The environment of a service with the token given, and other values replaced by those of a test."""
    given = {
        name: re.sub(r"\$\{SMS10692_MOCK_TOKEN:.*\}", TOKEN, value) for name, value in service["environment"].items()
    }
    assert set(given) <= VARIABLES
    assert set(replaced) <= set(given)
    return os.environ | given | replaced


def request_control(address: Address, host: str, path: str = "/_mock/accounts", token: str = "") -> int:
    """The status of a request to the control API with this Host."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return send_raw(address, f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{authorization}\r\n".encode()).status


def test_the_emulator_of_compose_answers_by_the_name_of_its_service(tmp_path: Path) -> None:
    service = load("deploy/compose.yaml")["services"]["emulator"]
    store = service["environment"]["SMS10692_MOCK_STORE"].replace("/data", str(tmp_path))
    environment = compose_environment(service, SMS10692_MOCK_STORE=store)
    assert service["ports"] == ["127.0.0.1:10692:10692"]
    with emulator_process(environment=environment) as (_, address):
        assert request_control(address, "emulator:10692", token=TOKEN) == 200
        assert request_control(address, "emulator:10692") == 401
        assert request_control(address, "other:10692", token=TOKEN) == 403
    assert (tmp_path / "sms.db").exists()


def test_an_empty_token_counts_as_none(tmp_path: Path) -> None:
    """Compose gives an empty token if none is set."""
    service = load("deploy/compose.yaml")["services"]["emulator"]
    assert service["environment"]["SMS10692_MOCK_TOKEN"] == "${SMS10692_MOCK_TOKEN:-}"
    environment = os.environ | {"SMS10692_MOCK_TOKEN": ""}
    with emulator_process(environment=environment) as (_, address):
        assert request_control(address, "127.0.0.1") == 200


@pytest.mark.skipif(not SERVERS_AVAILABLE, reason="no Valkey server for this system")
def test_the_two_emulators_of_compose_share_their_data() -> None:
    services = load("deploy/compose.replicated.yaml")["services"]
    service = services["emulator"]
    first, last = service["ports"][0].split(":")[1].split("-")
    assert int(last) - int(first) + 1 == service["deploy"]["replicas"] == 2
    assert service["environment"]["SMS10692_MOCK_STORE"].startswith("valkey://valkey:6379/")
    assert "valkey" in services
    options = services["valkey"]["command"][1:]
    with ExitStack() as stack:
        server = start_server(
            **{name.removeprefix("--"): value for name, value in zip(*[iter(options)] * 2, strict=True)}
        )
        stack.callback(server.stop)
        environment = compose_environment(service, SMS10692_MOCK_STORE=f"valkey://127.0.0.1:{server.port}/0")
        one, other = (stack.enter_context(emulator_process(environment=environment))[1] for _ in range(2))
        control, other_control = (
            stack.enter_context(EmulatorControl(f"http://{host}:{port}", TOKEN)) for host, port in (one, other)
        )
        vendor = stack.enter_context(control.account())
        with Client(f"http://{other[0]}:{other[1]}", **vendor.credentials) as client:
            client.send(["15023239810"], "内容")
        seen = other_control.get_account(vendor.userid).messages()
        assert [message.content for message in seen] == ["内容"] == [message.content for message in vendor.messages()]


def test_the_probes_of_kubernetes_need_no_token(tmp_path: Path) -> None:
    """kubelet sends the address of the pod as Host, and no token."""
    (container,) = kubernetes_objects()["Deployment"]["spec"]["template"]["spec"]["containers"]
    environment = {entry["name"]: entry.get("value", TOKEN) for entry in container["env"]}
    assert set(environment) <= VARIABLES
    environment["SMS10692_MOCK_STORE"] = environment["SMS10692_MOCK_STORE"].replace("/data", str(tmp_path))
    probes = [container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
    with emulator_process(environment=os.environ | environment) as (_, address):
        assert [request_control(address, "10.1.2.3:10692", path) for path in probes] == [200, 200, 200]
        service = kubernetes_objects()["Service"]["metadata"]["name"]
        assert request_control(address, f"{service}:10692", token=TOKEN) == 200


def test_the_kubernetes_objects_fit_together() -> None:
    found = kubernetes_objects()
    template = found["Deployment"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert found["Service"]["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    assert found["Service"]["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
    claims = {volume["persistentVolumeClaim"]["claimName"] for volume in template["spec"]["volumes"][:1]}
    assert claims == {found["PersistentVolumeClaim"]["metadata"]["name"]}
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in template["spec"]["volumes"]}
    assert template["spec"]["securityContext"]["runAsUser"] == template["spec"]["securityContext"]["fsGroup"] == 10692
    user = re.search(r"^USER (\d+):", (TOP / "Containerfile").read_text(), re.MULTILINE)
    assert user is not None
    assert user[1] == "10692"


# The image


@pytest.mark.parametrize(
    ("machine", "wheels", "image"),
    [
        ("x86_64", "x86_64", "amd64"),
        ("amd64", "x86_64", "amd64"),
        ("aarch64", "aarch64", "arm64"),
        ("arm64", "aarch64", "arm64"),
    ],
)
def test_the_image_is_built_for_the_machine_of_its_wheels(machine: str, wheels: str, image: str) -> None:
    """macOS says arm64 and Linux aarch64; wheels are named as Linux, images as Docker says."""
    command = ["make", "--dry-run", "image", f"IMAGE_PLATFORM={machine}", "IMAGE_TOOL=docker"]
    completed = subprocess.run(command, cwd=TOP, capture_output=True, encoding="utf-8", check=True)
    platforms = set(re.findall(r"--platform (\S+)", completed.stdout))
    glibc = ("manylinux_2_17", "manylinux_2_24", "manylinux_2_28", "manylinux2014")
    assert platforms == {f"linux/{image}", *(f"{name}_{wheels}" for name in glibc)}


def test_the_image_has_what_every_option_needs() -> None:
    for name in ("Containerfile", "Makefile"):
        assert re.findall(r"(?:sms10692|\.whl\))\[(mock,[\w,]+)\]", (TOP / name).read_text("utf-8")) == [
            "mock,tls,valkey"
        ]


@pytest.mark.parametrize("name", ["deploy/compose.yaml", "deploy/compose.replicated.yaml"])
def test_a_health_check_is_rare_once_the_emulator_has_started(name: str) -> None:
    check = load(name)["services"]["emulator"]["healthcheck"]
    assert check == {
        "test": ["CMD", "sms10692-mock", "ready"],
        "interval": "30s",
        "timeout": "10s",
        "start_period": "30s",
        "start_interval": "1s",
    }
    instruction = re.search(r"^HEALTHCHECK (.*) CMD (.*)$", (TOP / "Containerfile").read_text("utf-8"), re.MULTILINE)
    assert instruction is not None
    assert instruction[1] == "--interval=30s --timeout=10s --start-period=30s --retries=3"
    assert ["CMD", *json.loads(instruction[2])] == check["test"]


# The action


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """The temporary folder of a runner in which the emulator is installed: the environment of the tests."""
    (tmp_path / "sms10692-mock").symlink_to(sys.prefix)
    return tmp_path


def test_the_action_starts_an_emulator_and_tells_where_it_is(runner: Path) -> None:
    with running_emulator(runner, options="--report-delay 0 --account 7:shop:secret") as outputs:
        with EmulatorControl(outputs["url"]) as control:
            assert "7" in control.userids()
        assert "listening on" in Path(outputs["log"]).read_text("utf-8")


def test_the_action_fails_with_the_log_if_the_emulator_does_not_start(runner: Path) -> None:
    completed = run_step("start", runner, runner / "outputs", options="--report-delay never")
    assert completed.returncode == 1
    assert "Invalid value for '--report-delay'" in completed.stdout


def test_the_action_refuses_a_port_in_use_before_it_installs_anything(runner: Path) -> None:
    assert load_action()["runs"]["steps"][0]["id"] == "port"
    outputs = runner / "outputs"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        completed = run_step("port", runner, outputs, port=port)
        assert completed.returncode == 1
        assert f"Port {port} is in use" in completed.stdout
        started = run_step("start", runner, outputs, port=port)  # if the port was taken during the installation
    assert started.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}: the port is in use" in started.stdout
    assert not outputs.exists()
    assert run_step("port", runner, outputs, port=str(free_port())).returncode == 0


def test_the_action_asks_no_more_once_the_emulator_is_ready(runner: Path) -> None:
    """Every question starts an interpreter: one that waits, one after."""
    programs = runner / "sms10692-mock"
    programs.unlink()
    (programs / "bin").mkdir(parents=True)
    program, asked = programs / "bin" / "sms10692-mock", runner / "asked"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = ready ] && echo asked >>{asked}\nexec {sys.prefix}/bin/sms10692-mock "$@"\n', "utf-8"
    )
    program.chmod(0o755)
    with running_emulator(runner):
        assert asked.read_text("utf-8").count("asked") <= 5  # a slow machine waits more than one second


# The script of the tutorials


INSTALLATION = 'echo installed >>"$ci/installations"\n'
"""What stands in place of the installation."""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """`start-emulator` with a line in place of its installation: the emulator is that of the tests."""
    text = (TOP / "examples" / "ci" / "start-emulator").read_text("utf-8")
    lines = text.splitlines(keepends=True)
    kept = [INSTALLATION if "/pip" in line else line for line in lines if "python3 -m venv" not in line]
    assert (len(kept), kept.count(INSTALLATION)) == (len(lines) - 1, 1)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "sms10692-mock").symlink_to(Path(sys.prefix) / "bin" / "sms10692-mock")
    (tmp_path / "sms10692-1.0-py3-none-any.whl").write_text("a wheel", "utf-8")
    shutil.copy(TOP / "constraints.txt", tmp_path)
    file = tmp_path / "start-emulator"
    file.write_text("".join(kept), "utf-8")
    return file


def start_by_script(script: Path, port: int, *options: str) -> tuple[int, str]:
    """The exit code of the script and its output. Only a file can take it: the emulator outlives the script."""
    output = script.parent / "output"
    with output.open("wb") as stream:
        completed = subprocess.run(
            ["/bin/sh", str(script), *options],
            env=os.environ | {"SMS10692_MOCK_PORT": str(port)},
            cwd=script.parent,
            stdout=stream,
            stderr=subprocess.STDOUT,
            timeout=10 * TIMEOUT,
            check=False,
        )
    return completed.returncode, output.read_text("utf-8")


def test_the_script_installs_and_starts_an_emulator(script: Path) -> None:
    port = free_port()
    code, output = start_by_script(script, port, "--account", "7:shop:secret")
    assert code == 0, output
    pid = int((script.parent / "emulator.pid").read_text("utf-8"))
    try:
        with EmulatorControl(f"http://127.0.0.1:{port}") as control:
            assert "7" in control.userids()
    finally:
        os.kill(pid, signal.SIGTERM)
    assert output.startswith(f"Installing the emulator into {script.parent}/.venv (10 seconds to 2 minutes) ...\n")
    assert (script.parent / "installations").read_text("utf-8") == "installed\n"


@pytest.mark.parametrize(
    ("changed", "count"), [("emulator.log", 1), ("sms10692-1.0-py3-none-any.whl", 2), ("constraints.txt", 2)]
)
def test_the_script_installs_again_only_after_a_change(script: Path, changed: str, count: int) -> None:
    program = script.parent / ".venv" / "bin" / "sms10692-mock"
    program.unlink()
    program.write_text("#!/bin/sh\nexit 1\n", "utf-8")  # an emulator that does not start
    program.chmod(0o755)
    outputs = []
    for _ in range(2):
        outputs.append(start_by_script(script, free_port())[1])
        (script.parent / changed).write_text("another text", "utf-8")
    assert [output.count("Installing the emulator into ") for output in outputs] == [1, count - 1]
    assert (script.parent / "installations").read_text("utf-8") == "installed\n" * count


def test_the_script_refuses_a_port_in_use_before_it_installs(script: Path) -> None:
    with emulator_process() as (_, (_, port)):
        code, output = start_by_script(script, port)
    assert code == 1
    assert output.startswith(f"Port {port} is in use, perhaps by another emulator: stop it, or set SMS10692_MOCK_PORT")
    assert "SMS10692_MOCK_URL, if it is set, must name the same port" in output
    assert not (script.parent / "installations").exists()
    assert not (script.parent / "emulator.pid").exists()


@pytest.mark.parametrize("options", [("--port", "8000"), ("--report-delay", "1", "--port=8000")])
def test_the_script_takes_the_port_from_the_variable_alone(script: Path, options: tuple[str, ...]) -> None:
    code, output = start_by_script(script, free_port(), *options)
    assert (code, output) == (2, "Set SMS10692_MOCK_PORT in place of --port: the tests must know the port too.\n")
    assert not (script.parent / "emulator.pid").exists()


def test_the_script_shows_the_log_of_an_emulator_that_does_not_start(script: Path) -> None:
    code, output = start_by_script(script, free_port(), "--report-delay", "never")
    assert code == 1
    assert "Invalid value for '--report-delay'" in output
    assert output.endswith("The emulator is not ready, its log is above.\n")


# `make run`


@pytest.mark.parametrize("arguments", [["--port", "{port}"], ["--port={port}", "--host", "127.0.0.1"], []])
def test_make_run_refuses_a_port_in_use_before_it_installs(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv("SMS10692_MOCK_PORT", "0" if arguments else str(port))
        assert find_taken_address([argument.format(port=port) for argument in arguments]) == f"127.0.0.1 port {port}"


@pytest.mark.parametrize(
    "arguments", [[], ["--port", "0"], ["--port", "free"], ["--port", "99999"], ["--host", "192.0.2.1"]]
)
def test_make_run_leaves_other_mistakes_to_the_emulator(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMS10692_MOCK_PORT", str(free_port()))
    assert find_taken_address(arguments) == ""


def test_make_run_checks_the_port_before_the_installation() -> None:
    recipe = (TOP / "Makefile").read_text("utf-8").partition("\n$(RUN_STAMP):")[2].partition("\n\n")[0].splitlines()
    assert recipe[1] == "\t@$(BIN)/python tools/check_port.py $(ARGS)"
    assert any("PIP_INSTALL" in line for line in recipe[2:])


@EACH_LANGUAGE
def test_the_document_uses_inputs_and_outputs_that_the_action_has(suffix: str) -> None:
    action = load("action.yml")
    (workflow, *_) = blocks("yaml", suffix)
    steps = yaml.safe_load(workflow)["jobs"]["test"]["steps"]
    assert set(steps[1]["with"]) <= set(action["inputs"])
    used = set(re.findall(rf"steps\.{steps[1]['id']}\.outputs\.(\w+)", workflow))
    assert used
    assert used <= set(action["outputs"])


def find_variables(document: Any) -> set[str]:
    """Every key below an `env` or `variables`, at any depth."""
    if isinstance(document, list):
        return set().union(*map(find_variables, document))
    if not isinstance(document, dict):
        return set()
    inner = set().union(*map(find_variables, document.values()))
    return inner.union(*(document[key] for key in ("env", "variables") if key in document))


HELPERS = ("phpunit/tests/SmsVendor.php", "junit5/src/test/java/shop/SmsVendor.java", "jest/sms-vendor.js")


@EACH_LANGUAGE
def test_the_variables_of_all_blocks_are_read_by_the_emulator_or_by_every_helper(suffix: str) -> None:
    texts = [(TOP / "examples" / helper).read_text("utf-8") for helper in HELPERS]
    read = set.intersection(*(set(re.findall(r"\bSMS10692_MOCK_\w+", text)) for text in texts))
    of_services = {"SMS10692_MOCK_URL", "SMS10692_MOCK_TOKEN"}
    assert read == {*of_services, "SMS10692_MOCK_PORT"}
    found = set().union(*(find_variables(yaml.safe_load(text)) for text in blocks("yaml", suffix)))
    assert of_services <= found
    of_gitlab = {"HEALTHCHECK_TCP_PORT"}
    assert found <= VARIABLES | read | of_gitlab
    text = (TOP / "docs" / f"docker{suffix}").read_text("utf-8")
    assert set(re.findall(r"\bSMS(?:10692)?_\w+", text)) <= VARIABLES | read


# Testcontainers


SIGNATURES = {
    "org/testcontainers/containers/GenericContainer.java": """
        package org.testcontainers.containers;
        import org.testcontainers.containers.wait.strategy.WaitStrategy;
        public class GenericContainer<SELF extends GenericContainer<SELF>> {
            public GenericContainer(String dockerImageName) {}
            public SELF withExposedPorts(Integer... ports) { return null; }
            public SELF withEnv(String key, String value) { return null; }
            public SELF waitingFor(WaitStrategy waitStrategy) { return null; }
            public String getHost() { return null; }
            public Integer getMappedPort(int originalPort) { return null; }
        }""",
    "org/testcontainers/containers/wait/strategy/WaitStrategy.java": """
        package org.testcontainers.containers.wait.strategy;
        public interface WaitStrategy {}""",
    "org/testcontainers/containers/wait/strategy/HttpWaitStrategy.java": """
        package org.testcontainers.containers.wait.strategy;
        public class HttpWaitStrategy implements WaitStrategy {
            public HttpWaitStrategy forPort(int port) { return this; }
            public HttpWaitStrategy forStatusCode(int statusCode) { return this; }
        }""",
    "org/testcontainers/containers/wait/strategy/Wait.java": """
        package org.testcontainers.containers.wait.strategy;
        public class Wait {
            public static HttpWaitStrategy forHttp(String path) { return new HttpWaitStrategy(); }
        }""",
}
"""What the class of the document uses of testcontainers-java 1.20, whose jar is not available to the tests."""


@pytest.mark.slow("Runs a compiler.")
def test_the_java_class_compiles(tmp_path: Path) -> None:
    compiler = shutil.which("javac")
    if compiler is None:
        assert "SMS10692_REQUIRE_INTERPRETERS" not in os.environ
        pytest.skip("javac is not installed (.ci/install-interpreters installs it)")
    sources: Sequence[tuple[str, str]] = [*SIGNATURES.items(), ("SmsEmulator.java", blocks("java")[0])]
    for name, text in sources:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    command = [compiler, "-Werror", "-d", str(tmp_path / "classes"), *(str(tmp_path / name) for name, _ in sources)]
    completed = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert completed.returncode == 0, completed.stderr


def test_the_recipes_wait_for_a_path_that_exists() -> None:
    paths = set(re.findall(r'forHttp\("([^"]+)"', "".join(blocks("java") + blocks("js"))))
    (path,) = paths
    with emulator_process() as (_, address):
        response = send_raw(address, build_request(path, b"").replace(b"POST", b"GET", 1))
    assert (response.status, json.loads(response.body)) == (200, {"ready": True})
