"""The file of what a run has fetched from the queues of a real account: each item can be fetched only once.

**A response is on disk before it is parsed**, so that nothing is lost if the run crashes.
"""

import base64
import json
import os
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from sms10692_contract.http import HttpResponse
from sms10692_contract.masking import hide_signatures_in_text
from sms10692_contract.request_limits import CheckStopped
from sms10692_contract.requests import QUEUES, WireRequest

_EMPTY: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>)?\s*(?:<returnsms\s*/>|<returnsms>\s*</returnsms>|"
    rb"(?:<returnsms>\s*)?<errorstatus>\s*(?:<(error|remark)>[^<]*</\1>\s*|<(?:error|remark)\s*/>\s*)*</errorstatus>"
    rb"\s*(?:</returnsms>)?)\s*"
)
"""A whole response without items: an empty queue, or an error document. Anything else is kept."""


def build_default_path(today: date) -> Path:
    """Return the default file, in the working directory."""
    return Path(f"sms10692-fetched-{today:%Y%m%d}.jsonl")


class FetchedFileError(CheckStopped):
    """Fetched items cannot be written, so the run fetches no more. The message names the file."""


class FetchedFile:
    """A file with one JSON object per response: `time`, `endpoint`, `userid`, and `body` or `body_base64`.

    `server` is in each line if several servers write to one file. Lines are appended. The file is created with the
    first one, readable by its owner only.
    """

    def __init__(self, path: Path, server: str = "") -> None:
        self.path = path
        self.server = server
        self.count = 0

    def record(self, request: WireRequest, response: HttpResponse) -> None:
        """Append the response to a fetch, unless it has no items. Raises FetchedFileError."""
        if request.endpoint not in QUEUES or not response.body or _EMPTY.fullmatch(response.body):
            return
        line: dict[str, Any] = {
            "time": datetime.now().astimezone().isoformat(timespec="seconds"),
            **({"server": self.server} if self.server else {}),
            "endpoint": request.endpoint,
            "userid": dict(request.pairs).get("userid", ""),
        }
        try:
            line["body"] = hide_signatures_in_text(response.body.decode("utf-8"))
        except UnicodeDecodeError:
            line["body_base64"] = base64.b64encode(response.body).decode("ascii")
        try:
            self._append(json.dumps(line, ensure_ascii=False).encode("utf-8") + b"\n")
        except OSError as error:
            raise FetchedFileError(f"{self.path} cannot be written: {error.strerror or error}") from error
        self.count += 1

    def _append(self, line: bytes) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
