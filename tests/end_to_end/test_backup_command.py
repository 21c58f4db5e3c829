"""The command `sms10692-mock backup`: a consistent copy of the SQLite store, also while clients send."""

import errno
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from sms10692_mock.cli import command
from sms10692_mock.stores.sqlite.backup import BackupFailed, back_up
from support.emulators import UTF8, emulator_process, wait_exit
from support.http_client import TIMEOUT, Address, build_request, send_raw
from support.serve_cli import SEND, get_overage
from support.stores import disk_full


def send_sms(address: Address) -> int:
    """Send a message. Returns its task number."""
    response = send_raw(address, build_request(UTF8, SEND)).body.decode()
    found = re.search("<taskID>([0-9]+)<", response)
    assert found, response
    return int(found[1])


def read_task_ids(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [task_id for (task_id,) in db.execute("SELECT task_id FROM tasks ORDER BY task_id")]


@pytest.mark.slow("Starts two emulators, and sends to one from several threads.")
def test_every_send_acknowledged_before_the_backup_is_in_it_and_nothing_half_done(tmp_path: Path) -> None:
    store, copy = tmp_path / "商店 store", tmp_path / "backup"
    acknowledged: list[int] = []
    stopped = threading.Event()
    with emulator_process("--store", f"sqlite:{store}", "--postpaid", "12") as (process, address):

        def send_forever() -> None:
            while not stopped.is_set():
                acknowledged.append(send_sms(address))

        senders = [threading.Thread(target=send_forever) for _ in range(3)]
        for sender in senders:
            sender.start()
        try:
            while len(acknowledged) < 50:
                threading.Event().wait(0.01)
            before = list(acknowledged)
            completed = subprocess.run(
                [sys.executable, "-m", "sms10692_mock", "backup", str(copy)],
                env=os.environ | {"SMS10692_MOCK_STORE": f"sqlite:{store}"},
                capture_output=True,
                encoding="utf-8",
                timeout=TIMEOUT,
                check=False,
            )
        finally:
            stopped.set()
            for sender in senders:
                sender.join()
        assert (completed.returncode, completed.stderr) == (0, "")
        assert completed.stdout == f"{copy}: {copy.stat().st_size} bytes\n"
        process.send_signal(signal.SIGTERM)
        wait_exit(process)
    copied = read_task_ids(copy)
    assert set(before) <= set(copied)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "商店 store"]
    with emulator_process("--store", f"sqlite:{copy}", "--postpaid", "12") as (_, address):
        assert f"<overage>-{len(copied)}<" in get_overage(address)


def create_store(path: Path) -> None:
    with emulator_process("--store", f"sqlite:{path}") as (process, address):
        send_sms(address)
        process.send_signal(signal.SIGTERM)
        wait_exit(process)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a stopped emulator, which has sent one message."""
    path = tmp_path_factory.mktemp("store") / "store"
    create_store(path)
    return path


def test_the_store_of_a_stopped_emulator_is_copied(store: Path, tmp_path: Path) -> None:
    back_up(store, tmp_path / "copy")
    assert read_task_ids(tmp_path / "copy") == [100001]


def test_a_file_is_overwritten_only_with_force(store: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    target.write_text("precious")
    arguments = ["backup", str(target), "--store", f"sqlite:{store}"]
    refused = CliRunner().invoke(command, arguments)
    assert (refused.exit_code, target.read_text()) == (1, "precious")
    assert f"{target} exists: --force overwrites it" in refused.output
    back_up(store, target, overwrite=True)
    assert read_task_ids(target) == [100001]


def test_the_store_of_an_emulator_is_no_target(store: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="is the store itself"):
        back_up(store, store, overwrite=True)
    other = tmp_path / "other"
    with emulator_process("--store", f"sqlite:{other}"), pytest.raises(BackupFailed, match="an emulator uses"):
        back_up(store, other, overwrite=True)


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "there is no file"), (b"x" * 5000, "is not an SQLite"), (b"", "is not the store")]
)
def test_what_is_no_store_is_not_copied(tmp_path: Path, content: bytes | None, problem: str) -> None:
    source = tmp_path / "source"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(BackupFailed, match=problem):
        back_up(source, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of file sizes")
def test_a_backup_on_a_full_disk_leaves_nothing(store: Path, tmp_path: Path) -> None:
    with disk_full(8192), pytest.raises(BackupFailed, match="disk is full"):
        back_up(store, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("memory", "GET /_mock/state reads it"),
        ("valkey://127.0.0.1:6379", "has backups of its own"),
        ("sqlite:", "expected sqlite:PATH"),
    ],
)
def test_other_stores_have_no_file_to_copy(address: str, problem: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["backup", str(tmp_path / "copy"), "--store", address])
    assert result.exit_code == 2
    assert problem in " ".join(result.output.split())


def refuse_links(*paths: Path) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_a_backup_needs_no_hard_links(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file system without them, such as FAT."""
    monkeypatch.setattr(os, "link", refuse_links)
    back_up(store, tmp_path / "copy")
    assert read_task_ids(tmp_path / "copy") == [100001]
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir() if "partial" in file.name] == []


def test_without_hard_links_a_file_that_appears_meanwhile_is_not_replaced(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"

    def appear(*paths: Path) -> None:
        copy.write_bytes(b"of somebody else")
        refuse_links()

    monkeypatch.setattr(os, "link", appear)
    with pytest.raises(BackupFailed, match="copy exists: --force overwrites it"):
        back_up(store, copy)
    assert copy.read_bytes() == b"of somebody else"
