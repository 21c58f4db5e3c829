"""The scripts that run inside the server: each is one operation on the keys of one slot, whole or not at all.

Here belongs which there are. What each does, and its arguments, stands in the first lines of its file.
"""

from pathlib import Path
from typing import Final

from sms10692_mock.stores.valkey.script_client import Script, script

_HEAD: Final = "#!lua\n"
"""With it the server refuses a script beforehand that it could not carry through, for want of memory or of a disk."""

_FOLDER: Final = Path(__file__).parent
_QUEUES: Final = (_FOLDER / "queues.lua").read_text(encoding="utf-8")


def _alone(name: str) -> Script:
    return script(name, _HEAD + (_FOLDER / f"{name}.lua").read_text(encoding="utf-8"))


def _with_queues(name: str) -> Script:
    return script(name, _HEAD + _QUEUES + (_FOLDER / f"{name}.lua").read_text(encoding="utf-8"))


OPEN: Final = _with_queues("open")
ACCOUNT: Final = _alone("account")
CHANGE: Final = _alone("change")
CLOSE: Final = _with_queues("close")
USAGE: Final = _alone("usage")
SHRINK: Final = _with_queues("shrink")
CHARGE_UP: Final = _alone("charge_up")
STANDING: Final = _alone("standing")

ACCEPT: Final = _with_queues("accept")
PUT: Final = _with_queues("put")
TAKE: Final = _with_queues("take")
REWIND: Final = _with_queues("rewind")
NEXT_DUE: Final = _with_queues("next_due")
LOOK: Final = _with_queues("look")
READ_LOG: Final = _with_queues("read_log")
READ_SENT: Final = _with_queues("read_sent")

FORM: Final = _alone("form")
REGISTER: Final = _alone("register")
UNREGISTER: Final = _alone("unregister")
USERIDS: Final = _alone("userids")
LOST: Final = _alone("lost")
LEASE: Final = _alone("lease")
SETTINGS: Final = _alone("settings")
CHANGE_SETTINGS: Final = _alone("change_settings")

RECORD: Final = _alone("record")
READ_JOURNAL: Final = _alone("read_journal")
READ_ENTRY: Final = _alone("read_entry")
HAS_ENTRY: Final = _alone("has_entry")
FORGET_JOURNAL: Final = _alone("forget_journal")
