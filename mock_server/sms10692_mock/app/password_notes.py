"""Notes in the access log about accounts whose password is sent in clear, to an older endpoint (R19)."""

from collections.abc import Mapping
from threading import Lock
from typing import Final

from sms10692_mock.app.log_lines import sanitize
from sms10692_mock.diagnosis.translations import Language

_NOTES: Final[Mapping[Language, str]] = {
    "en": "note: {} takes account and password in clear, so whoever sees the requests of userid {} can use them",
    "zh": "注意：{} 以明文接收账号和密码，能看到 userid {} 的请求的人都能使用它们",
}


class PasswordNotes:
    """Remembers for which of the last `limit` accounts the note was written, so that each has one. Thread-safe."""

    def __init__(self, language: Language, limit: int = 10_000) -> None:
        self._language: Language = language
        self._limit = limit
        self._noted: dict[str, None] = {}
        self._lock = Lock()

    def note(self, userid: str, path: str) -> str:
        """Return the note about an account that sent its password to an endpoint, or "" if it was written before."""
        with self._lock:
            if userid in self._noted:
                return ""
            self._noted[userid] = None
            if len(self._noted) > self._limit:
                del self._noted[next(iter(self._noted))]
        return _NOTES[self._language].format(path, f"'{sanitize(userid)}'")
