"""The image, built and run on a new Debian: `make test-image` runs these tests, as root, in some minutes.

They are no part of `.ci/run`, because debootstrap alone takes longer than a run may. `SMS10692_IMAGE_TREE` is a folder
with a Debian made before; `SMS10692_IMAGE_BASE` is a base of a registry, whose Python has the version
`SMS10692_IMAGE_PYTHON` (3.13).
"""

import contextlib
import itertools
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import httpx2
import pytest

from sms10692 import Client, ConnectionFailed
from sms10692_mock import EmulatorControl
from support.http_client import TIMEOUT, free_port
from support.image import MOUNT, TOKEN, Builder, Container, ContainerProcess, debian_release, python_version_of, run

pytestmark = [
    pytest.mark.slow("Installs a Debian and builds the image."),
    pytest.mark.skipif("SMS10692_TEST_IMAGE" not in os.environ, reason="make test-image runs these tests"),
]

BASE, IMAGE = "localhost/base", "localhost/sms10692-mock"


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """A builder with the image, made by `make image` on a base made by debootstrap, or on one of a registry."""
    folder = tmp_path_factory.mktemp("image")
    builder = Builder(folder)
    base = os.environ.get("SMS10692_IMAGE_BASE")
    python = os.environ.get("SMS10692_IMAGE_PYTHON", "3.13")
    if not base:
        given = os.environ.get("SMS10692_IMAGE_TREE")
        tree = Path(given) if given else folder / "debian"
        if not given:
            run("debootstrap", "--variant=minbase", "--include=python3", debian_release(), str(tree), timeout=1200)
        base, python = BASE, python_version_of(tree)
        builder.import_base(tree, base)
    start = monotonic()
    run(
        *("make", "image", f"IMAGE={IMAGE}", f"IMAGE_BASE={base}", f"IMAGE_TOOL={' '.join(builder.command)}"),
        *(f"IMAGE_PYTHON={python}", "IMAGE_ARGS=--isolation chroot"),
    )
    print(f"make image: {monotonic() - start:.0f} s")
    return builder


@pytest.fixture
def container(builder: Builder) -> Iterator[Container]:
    with builder.container(IMAGE) as container:
        yield container


def is_ready(emulator: ContainerProcess) -> bool:
    try:
        return httpx2.get(f"{emulator.url}/_mock/health/ready").status_code == 200
    except httpx2.ConnectError:
        return False


def wait_ready(emulator: ContainerProcess) -> float:
    return emulator.wait_for(lambda: is_ready(emulator))


def test_the_image_says_how_it_is_run(builder: Builder) -> None:
    config = builder.inspect(IMAGE)["config"]
    assert config["User"] == "10692:10692"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Volumes"] == {"/data": {}}
    assert config["ExposedPorts"] == {"10692/tcp": {}}
    labels = config["Labels"]
    assert labels["org.opencontainers.image.version"] == "0.1.0"
    assert re.fullmatch("[0-9a-f]{40}|unknown", labels["org.opencontainers.image.revision"])


def test_the_layers_on_the_base_are_small(builder: Builder) -> None:
    base, *own = (layer.stat().st_size for layer in builder.layers(IMAGE))
    print(f"base {base / 1e6:.1f} MB, layers of the image {sum(own) / 1e6:.1f} MB, compressed")
    assert sum(own) < 30e6


def test_the_container_runs_as_a_user_that_can_write_to_the_volume_only(container: Container) -> None:
    assert container.call("id", "-u") == "10692"
    for folder in ("/", "/opt/sms10692", "/opt/sms10692/bin", "/usr/bin", "/etc"):
        assert container.call("sh", "-c", f"test -w {folder} && echo yes || echo no") == "no"
    assert container.call("sh", "-c", "echo x > /data/x && cat /data/x") == "x"


def test_the_contract_suite_passes_from_outside(container: Container) -> None:
    with container.emulator() as emulator:
        print(f"start to ready: {wait_ready(emulator):.2f} s")
        completed = subprocess.run(
            [sys.executable, "-m", "sms10692_contract", "run", emulator.url, "--control", emulator.url],
            env=os.environ | {"SMS10692_CONTRACT_TOKEN": TOKEN},
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        print(completed.stdout.splitlines()[-1])
    assert completed.returncode == 0, completed.stdout + completed.stderr


def test_the_control_api_needs_the_token_and_the_vendor_does_not(container: Container) -> None:
    with container.emulator() as emulator:
        wait_ready(emulator)
        assert httpx2.get(f"{emulator.url}/_mock/accounts").status_code == 401
        with EmulatorControl(emulator.url, TOKEN) as control, control.account() as vendor:
            with Client(vendor.url, **vendor.credentials) as client:
                client.send(["15023239810"], "内容")
            assert [message.content for message in vendor.messages()] == ["内容"]


def test_the_health_check_of_the_image_tells_whether_the_emulator_is_ready(container: Container) -> None:
    kind, *check = container.config["Healthcheck"]["Test"]
    assert kind == "CMD"
    second = 1_000_000_000
    assert container.config["Healthcheck"]["Interval"] == 30 * second
    assert container.config["Healthcheck"]["Timeout"] == 10 * second

    def run_check(port: int) -> int:
        command = container.command(*check, SMS10692_MOCK_PORT=str(port))
        return subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False).returncode

    with container.emulator() as emulator:
        wait_ready(emulator)
        assert run_check(emulator.port) == 0
    assert run_check(emulator.port) == 1


def test_https_has_its_authority_in_the_data_folder(container: Container) -> None:
    port = free_port()
    with container.emulator(
        SMS10692_MOCK_TLS="self-signed", SMS10692_MOCK_TLS_PORT=str(port), SMS10692_MOCK_TLS_FOLDER="/data/tls"
    ) as emulator:
        wait_ready(emulator)
        context = ssl.create_default_context(cadata=container.call("cat", "/data/tls/ca.pem"))
        assert httpx2.get(f"https://127.0.0.1:{port}/_mock/health/ready", verify=context).status_code == 200


def test_sigterm_ends_the_container(container: Container) -> None:
    with container.emulator() as emulator:
        wait_ready(emulator)
        (pid,) = emulator.find_processes()
        start = monotonic()
        os.kill(pid, signal.SIGTERM)
        assert emulator.process.wait(TIMEOUT) == 0
        print(f"SIGTERM to exit: {monotonic() - start:.2f} s")


def test_what_was_accepted_is_in_the_mounted_folder_after_a_kill(container: Container, tmp_path: Path) -> None:
    for folder in (tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)  # pytest's folders are closed to other users
    os.chown(tmp_path, 10692, 10692)
    store = {"SMS10692_MOCK_STORE": f"sqlite:{MOUNT}/sms.db"}
    accepted: list[str] = []
    is_under_way = threading.Event()

    def send_until_killed(url: str) -> None:
        with Client(url, account="test", password="mima", userid="12") as client, contextlib.suppress(ConnectionFailed):
            for number in itertools.count():
                client.send(["15023239810"], str(number))
                accepted.append(str(number))
                if number == 100:
                    is_under_way.set()

    with container.emulator(tmp_path, **store) as emulator:
        wait_ready(emulator)
        with ThreadPoolExecutor() as threads:
            sending = threads.submit(send_until_killed, emulator.url)
            assert is_under_way.wait(TIMEOUT)
            (pid,) = emulator.find_processes()
            os.kill(pid, signal.SIGKILL)
            sending.result(TIMEOUT)
        emulator.process.wait(TIMEOUT)
    assert (tmp_path / "sms.db").stat().st_size > 0
    with container.emulator(tmp_path, **store) as emulator:
        wait_ready(emulator)
        with EmulatorControl(emulator.url, TOKEN) as control:
            kept = {message.content for message in control.get_account("12").messages()}
    print(f"accepted before the kill: {len(accepted)}, of which kept: {len(kept & set(accepted))}")
    assert set(accepted) <= kept
    assert len(kept) <= len(accepted) + 1  # the response to the last send may have been lost
