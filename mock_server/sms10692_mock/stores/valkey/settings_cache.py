"""What holds for all accounts, as the server had it a moment ago.

Here belongs when it is read again, and how it is changed. What it says is `records`' affair.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any, Final, NamedTuple, Protocol

from sms10692_mock.domain.records import Settings
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.stores.serialization import dump_settings, load_settings
from sms10692_mock.stores.valkey import scripts
from sms10692_mock.stores.valkey.connection_pool import Argument
from sms10692_mock.stores.valkey.script_client import Script
from sms10692_mock.stores.valkey.serialization import decoded, encoded, random_version

_SETTINGS_HOLD: Final = 0.5
"""Seconds for which settings are not looked at again."""

_SETTINGS_KEY: Final = (b"sms10692:{all}:settings",)


class ScriptRunner(Protocol):
    """Runs a script. Raises StoreUnavailable."""

    def __call__(self, work: Script, keys: Sequence[bytes], *arguments: Argument) -> Any: ...


class _CachedSettings(NamedTuple):
    """The settings and words as the server had them after a moment, and the versions of both."""

    version: bytes
    words_version: bytes
    settings: Settings
    moment: float


class SettingsCache:
    """The settings that all processes share. `run` is asked for scripts, and others may go on meanwhile."""

    def __init__(self, run: ScriptRunner) -> None:
        self._run = run
        self._lock = Lock()
        self._is_reading = False
        self._known = _CachedSettings(b"", b"", Settings(), float("-inf"))
        self._read()

    def get(self) -> Settings:
        """What holds, or held within the last second, if another is reading it anew."""
        age = monotonic() - self._known.moment
        if age >= _SETTINGS_HOLD and (not self._is_reading or age >= 2 * _SETTINGS_HOLD):
            self._is_reading = True
            try:
                self._read()
            finally:
                self._is_reading = False
        return self._known.settings

    def change(self, change: Callable[[Settings], Settings]) -> Settings:
        while True:
            before = self._read()
            settings = change(before.settings)
            version, words_version, arguments = random_version(), before.words_version, []
            if settings.words != before.settings.words:
                words_version = random_version()
                words = "" if settings.words is None else json.dumps(settings.words)
                arguments = [words_version, encoded(words)]
            document = encoded(dump_settings(replace(settings, words=None)))
            if self._run(scripts.CHANGE_SETTINGS, _SETTINGS_KEY, before.version, version, document, *arguments):
                self._read()  # by whose moments alone it can be told what is newer
                return settings

    def _read(self) -> _CachedSettings:
        moment, known = monotonic(), self._known
        answer = self._run(scripts.SETTINGS, _SETTINGS_KEY, known.version, known.words_version)
        version, document, words_version, words_text = answer
        settings = known.settings
        if version != known.version or words_version != known.words_version:
            words = settings.words
            if words_version != known.words_version:
                words = tuple(json.loads(decoded(words_text))) if words_text else None
            settings = replace(load_settings(decoded(document)), words=words) if version else Settings()
        read = _CachedSettings(version, words_version, settings, moment)
        with self._lock:
            if moment >= self._known.moment:
                self._known = read
        return read
