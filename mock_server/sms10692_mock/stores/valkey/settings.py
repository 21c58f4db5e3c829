"""What holds for all accounts, as the server had it a moment ago.

Here belongs when it is read again, and how it is changed. What it says is `records`' affair.
"""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import Final

from sms10692_mock.stores.documents import settings_from_text, settings_text
from sms10692_mock.stores.records import Settings
from sms10692_mock.stores.valkey import scripts
from sms10692_mock.stores.valkey.nodes import Nodes
from sms10692_mock.stores.valkey.packing import decoded, encoded, new_version

_SETTINGS_HOLD: Final = 0.5
"""Seconds for which settings are not looked at again."""

_SETTINGS_KEY: Final = (b"sms10692:{all}:settings",)


class SharedSettings:
    """The settings that all processes share."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._lock = Lock()
        self._version, self._words_version = b"", b""
        self._settings = Settings()
        self._read = float("-inf")

    def now(self) -> Settings:
        if time.monotonic() - self._read >= _SETTINGS_HOLD:
            with self._lock:
                if time.monotonic() - self._read >= _SETTINGS_HOLD:
                    self._refresh()
        return self._settings

    def change(self, change: Callable[[Settings], Settings]) -> Settings:
        with self._lock:
            while True:
                self._refresh()
                before, settings = self._settings, change(self._settings)
                version, words_version, arguments = new_version(), self._words_version, []
                if settings.words != before.words:
                    words_version = new_version()
                    words = "" if settings.words is None else json.dumps(settings.words)
                    arguments = [words_version, encoded(words)]
                document = encoded(settings_text(replace(settings, words=None)))
                if self._nodes.run(
                    scripts.CHANGE_SETTINGS, _SETTINGS_KEY, self._version, version, document, *arguments
                ):
                    self._version, self._words_version, self._settings = version, words_version, settings
                    self._read = time.monotonic()
                    return settings

    def _refresh(self) -> None:
        read = time.monotonic()
        answer = self._nodes.run(scripts.SETTINGS, _SETTINGS_KEY, self._version, self._words_version)
        version, document, words_version, words_text = answer
        if version != self._version or words_version != self._words_version:
            words = self._settings.words
            if words_version != self._words_version:
                words = tuple(json.loads(decoded(words_text))) if words_text else None
            self._settings = replace(settings_from_text(decoded(document)), words=words) if version else Settings()
            self._version, self._words_version = version, words_version
        self._read = read
