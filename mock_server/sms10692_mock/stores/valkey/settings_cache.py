"""The global settings on the server, with a short-lived cache."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any, Final, NamedTuple, Protocol

from sms10692_mock.domain.records import Settings
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.stores.serialization import dump_settings, load_settings
from sms10692_mock.stores.valkey import scripts
from sms10692_mock.stores.valkey.script_client import Argument, Script
from sms10692_mock.stores.valkey.serialization import decode_text, encode_text, random_version

_CACHE_SECONDS: Final = 0.5
"""Seconds for which cached settings are used without reading them again."""

_SETTINGS_KEY: Final = (b"sms10692:{all}:settings",)


class ScriptRunner(Protocol):
    """Runs a script. Raises StoreUnavailable."""

    def __call__(self, script: Script, keys: Sequence[bytes], *arguments: Argument) -> Any: ...


class _CachedSettings(NamedTuple):
    """Settings, the versions of settings and forbidden words, and the monotonic time before they were read."""

    version: bytes
    words_version: bytes
    settings: Settings
    read_at: float


class SettingsCache:
    """The settings that all processes share. Thread-safe.

    **No lock is held while `run` executes a script**: other work may run on the same thread meanwhile.
    """

    def __init__(self, run: ScriptRunner) -> None:
        self._run = run
        self._lock = Lock()
        self._is_reading = False
        self._cached = _CachedSettings(b"", b"", Settings(), float("-inf"))
        self._read()

    def get(self) -> Settings:
        """The settings, at most half a second old, or one second while another caller reads them again."""
        age = monotonic() - self._cached.read_at
        if age >= _CACHE_SECONDS and (not self._is_reading or age >= 2 * _CACHE_SECONDS):
            self._is_reading = True
            try:
                self._read()
            finally:
                self._is_reading = False
        return self._cached.settings

    def change(self, change: Callable[[Settings], Settings]) -> Settings:
        while True:
            before = self._read()
            settings = change(before.settings)
            version, words_version, arguments = random_version(), before.words_version, []
            if settings.words != before.settings.words:
                words_version = random_version()
                words = "" if settings.words is None else json.dumps(settings.words)
                arguments = [words_version, encode_text(words)]
            document = encode_text(dump_settings(replace(settings, words=None)))
            if self._run(scripts.CHANGE_SETTINGS, _SETTINGS_KEY, before.version, version, document, *arguments):
                self._read()  # the cache compares the times of reads only
                return settings

    def _read(self) -> _CachedSettings:
        read_at, cached = monotonic(), self._cached
        reply = self._run(scripts.SETTINGS, _SETTINGS_KEY, cached.version, cached.words_version)
        version, document, words_version, words_text = reply
        settings = cached.settings
        if version != cached.version or words_version != cached.words_version:
            words = settings.words
            if words_version != cached.words_version:
                words = tuple(json.loads(decode_text(words_text))) if words_text else None
            settings = replace(load_settings(decode_text(document)), words=words) if version else Settings()
        read = _CachedSettings(version, words_version, settings, read_at)
        with self._lock:
            if read_at >= self._cached.read_at:
                self._cached = read
        return read
