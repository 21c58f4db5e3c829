"""The Lua scripts that run inside the server. Each is one atomic operation on keys of one cluster slot.

The first lines of each file document the effect, the arguments and the result.
"""

from pathlib import Path
from typing import Final

from sms10692_mock.stores.valkey.script_client import Script, make_script

_SHEBANG: Final = "#!lua\n"
"""With this line, the server rejects a script before it starts if memory is short or the disk cannot be written."""

_FOLDER: Final = Path(__file__).parent
_QUEUE_FUNCTIONS: Final = (_FOLDER / "queues.lua").read_text(encoding="utf-8")


def _load(name: str) -> Script:
    return make_script(name, _SHEBANG + (_FOLDER / f"{name}.lua").read_text(encoding="utf-8"))


def _load_with_queues(name: str) -> Script:
    return make_script(name, _SHEBANG + _QUEUE_FUNCTIONS + (_FOLDER / f"{name}.lua").read_text(encoding="utf-8"))


CREATE_ACCOUNT: Final = _load_with_queues("create_account")
ACCOUNT: Final = _load("account")
UPDATE_ACCOUNT: Final = _load("update_account")
DELETE_ACCOUNT: Final = _load_with_queues("delete_account")
USAGE: Final = _load("usage")
TRIM: Final = _load_with_queues("trim")
ADD_POINTS: Final = _load("add_points")
BALANCE: Final = _load("balance")

RECORD_SEND: Final = _load_with_queues("record_send")
ENQUEUE: Final = _load_with_queues("enqueue")
FETCH: Final = _load_with_queues("fetch")
REQUEUE: Final = _load_with_queues("requeue")
NEXT_DUE: Final = _load_with_queues("next_due")
READ_STATE: Final = _load_with_queues("read_state")
READ_ITEMS: Final = _load_with_queues("read_items")
READ_TASKS: Final = _load_with_queues("read_tasks")
DELETE_MESSAGE: Final = _load_with_queues("delete_message")
CLEAR_MESSAGES: Final = _load_with_queues("clear_messages")

SCHEMA_VERSION: Final = _load("schema_version")
REGISTER: Final = _load("register")
UNREGISTER: Final = _load("unregister")
USERIDS: Final = _load("userids")
FIND_LOST: Final = _load("find_lost")
RESERVE_NUMBERS: Final = _load("reserve_numbers")
SETTINGS: Final = _load("settings")
CHANGE_SETTINGS: Final = _load("change_settings")

RECORD_REQUESTS: Final = _load("record_requests")
READ_REQUESTS: Final = _load("read_requests")
READ_REQUEST: Final = _load("read_request")
HAS_REQUEST: Final = _load("has_request")
DELETE_REQUEST: Final = _load("delete_request")
CLEAR_REQUESTS: Final = _load("clear_requests")
