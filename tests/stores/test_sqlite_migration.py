"""A file of an earlier schema version is migrated when it is opened, and nothing in it is lost."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.delivery import DeliveryOutcome, DeliveryRule, DeliveryRules
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.records import AccountBalance, Query, QueueStats
from sms10692_mock.stores.sqlite.store import SqliteStore

EARLIER_FILE = Path(__file__).with_name("data") / "version_4.sql"
"""A dump of a file that the emulator wrote with schema version 4: two accounts, and one that was deleted."""

NOW = 1_322_835_131.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "sms.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(EARLIER_FILE.read_text("utf-8"))
    return file


def test_accounts_keep_their_settings_rules_and_faults(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        default, temporary = store.accounts()
        assert default == Account(
            "12",
            "test",
            "mima",
            delivery_rules=DeliveryRules(
                (
                    DeliveryRule("139", DeliveryOutcome(unreported=True, reply="T"), probability=0.5, times=3),
                    DeliveryRule("138", DeliveryOutcome(20, "X", delay=60.0)),
                ),
                seed=7,
            ),
            faults=default.faults,
        )
        truncated, counted = default.faults
        assert truncated == Fault(
            id=truncated.id, kind="truncate", operations=("overage",), probability=0.25, seed=3, at=100, apply=True
        )
        assert (counted.kind, counted.probability, counted.evaluated) == ("empty_body", 0.0, 1)
        assert (temporary.userid, temporary.can_read_queues, temporary.profile, temporary.temporary) == (
            *("77", False, "observed"),
            True,
        )
        assert temporary.clock is not None
        assert [(fault.kind, fault.apply) for fault in temporary.faults] == [
            ("empty_body", True),
            ("disconnect", True),
            ("wrong_charset", True),
            ("bom", True),
            ("hang", False),
            ("status", False),
            ("latency", True),
        ]
        assert store.balance("12") == AccountBalance(points=1006, total_added=1010, messages=4)


def test_settings_of_all_accounts_keep_their_faults(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        (fault,) = store.settings().faults
        assert (fault.kind, fault.message, fault.operations, fault.times, fault.apply, fault.evaluated) == (
            *("vendor_error", "其他错误", ("checkkeyword",)),
            *(5, False, 0),
        )


def test_queues_keep_fetched_waiting_and_scheduled_items(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        assert store.queue_stats("12", "reports", NOW) == QueueStats(3, scheduled=1, waiting=1, fetched=1, evicted=0)
        reports = store.reports("12", Query(), NOW).items
        assert [
            (one.item.mobile, one.item.status, one.item.errorcode, one.delivery_state.state) for one in reports
        ] == [
            ("15023239810", 10, "DELIVRD", "fetched"),
            ("10000000030", 10, "DELIVRD", "waiting"),
            ("13800000001", 20, "X", "scheduled"),
        ]
        assert reports[0].delivery_state == ("fetched", NOW, 2)
        states = [one.delivery_state.state for one in store.messages("12", Query(), NOW).items]
        assert states == ["fetched", "scheduled", "unreported", "waiting"]
        assert [report.mobile for report in store.fetch_reports("12", 10, NOW + 60, 8)] == [
            "10000000030",
            "13800000001",
        ]
        assert [(reply.content, reply.extno) for reply in store.fetch_replies("12", NOW, 9)] == [("T", "")]
        assert store.requeue("12", "reports", None, None) == 3


def test_the_request_log_keeps_its_entries_and_their_faults(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        entries = store.requests(None, Query()).items
        assert [(one.userid, one.operation, one.fetched, one.faults) for one in entries] == [
            ("12", "send", None, ()),
            ("12", "status", 1, (("drop_fetch", None),)),
            ("78", "send", None, ()),
        ]
        assert entries[0].account_time == NOW
        assert b"<taskID>100001</taskID>" in entries[0].response_body


COLUMNS = {
    "accounts": "id userid position settings postpaid temporary used points total_added messages evicted bytes deleted",
    "deleted_accounts": "account",
    "fetches": "queue first time request",
    "items": "queue position due mobile task_id status text extno recipient_index message",
    "queues": "id released fetched evicted scheduled arrivals bytes",
    "requests": "number userid account_time bytes query body response_body details",
    "scheduled": "queue due arrival mobile task_id status text extno recipient_index message",
    "state": "id version tasks requests settings kept kept_bytes evicted_requests evicted_accounts",
    "tasks": "account before task_id sent_at due numbers content extno page price request bytes deleted",
}


def test_a_new_file_and_a_migrated_one_have_these_columns(path: Path, tmp_path: Path) -> None:
    SqliteStore(path).close()
    SqliteStore(tmp_path / "new.db").close()
    assert _columns(path) == _columns(tmp_path / "new.db") == COLUMNS


def _columns(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        return {
            table: " ".join(row[1] for row in connection.execute("SELECT * FROM pragma_table_info(?)", (table,)))
            for (table,) in tables.fetchall()
        }
