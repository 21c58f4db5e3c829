"""Detection of data loss: the server was flushed, restarted without its data, or has evicted keys.

Clients of a lost account would get "wrong user name or password". So accounts from the options are created again with
their initial state, and every loss is logged as an error.
"""

import logging
from collections.abc import Callable
from typing import Any, Final, Protocol

from sms10692_mock.domain.accounts import Account
from sms10692_mock.stores.valkey import scripts
from sms10692_mock.stores.valkey.keys import GLOBAL_KEYS, SCHEMA_KEY
from sms10692_mock.stores.valkey.script_client import Argument, Script
from sms10692_mock.stores.valkey.serialization import encode_text

_log: Final = logging.getLogger(__name__)

_KEYS: Final = (*GLOBAL_KEYS, *SCHEMA_KEY)


class _ScriptRunner(Protocol):
    def __call__(self, script: Script, keys: tuple[bytes, ...], *arguments: Argument) -> Any: ...


class Losses:
    """Detects lost accounts and creates configured accounts again. Thread-safe.

    `create` creates an account unless it exists, and returns whether it did. `unregister` removes a userid from the
    list of all. `write_schema_version` writes the key whose absence shows that the server was flushed.
    """

    def __init__(
        self,
        run: _ScriptRunner,
        create: Callable[[Account], bool],
        unregister: Callable[[str], object],
        write_schema_version: Callable[[], object],
    ) -> None:
        self._run = run
        self._create = create
        self._unregister = unregister
        self._write_schema_version = write_schema_version
        self._configured: dict[str, Account] = {}

    def configure(self, account: Account) -> None:
        """Register an account from the options, to be created again if it is lost."""
        self._configured[account.userid] = account

    def is_restored(self, userid: str) -> bool:
        """Whether a missing account was lost and has been restored.

        Restores it, or all accounts of a flushed server.
        """
        has_schema_version, is_registered = self._run(scripts.FIND_LOST, _KEYS, encode_text(userid))
        if not has_schema_version:
            self._restore_all()
        elif is_registered:
            self._restore(userid)
        return (not has_schema_version or bool(is_registered)) and userid in self._configured

    def check(self) -> None:
        """Restore the configured accounts that were lost."""
        userids = list(self._configured)
        has_schema_version, *registered = self._run(scripts.FIND_LOST, _KEYS, *map(encode_text, userids))
        if not has_schema_version:
            self._restore_all()
            return
        for userid, is_registered in zip(userids, registered, strict=True):
            if is_registered and self._create(self._configured[userid]):
                self._log_restored(userid)

    def _restore_all(self) -> None:
        """Create all configured accounts on a flushed server.

        **The schema version is written last**: until then, other processes that find it missing restore accounts too.
        """
        restored = [userid for userid, account in self._configured.items() if self._create(account)]
        self._write_schema_version()
        _log.error(
            "the server was flushed or has evicted keys: stored data may be lost; accounts created again: %s",
            ", ".join(map(ascii, restored)) or "none",
        )

    def _restore(self, userid: str) -> None:
        account = self._configured.get(userid)
        if account is None:
            self._unregister(userid)
            _log.error("the server has lost the account %s (evicted?); the account was removed", ascii(userid))
        elif self._create(account):
            self._log_restored(userid)

    def _log_restored(self, userid: str) -> None:
        _log.error("the server has lost the account %s (evicted?); the account was created again", ascii(userid))
