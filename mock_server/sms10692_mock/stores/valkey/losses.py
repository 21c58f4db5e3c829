"""What a server has lost: it was emptied, was started again without its data, or evicted keys.

A lost account looks like one that never was, and its clients would get "wrong user name or password". So accounts of
the options are created again, with what they begin with, and everything that is lost is logged as an error.
"""

import logging
from collections.abc import Callable
from typing import Any, Final, Protocol

from sms10692_mock.domain.accounts import Account
from sms10692_mock.stores.valkey import scripts
from sms10692_mock.stores.valkey.connection_pool import Argument
from sms10692_mock.stores.valkey.keys import GLOBAL_KEYS, SCHEMA_KEY
from sms10692_mock.stores.valkey.script_client import Script
from sms10692_mock.stores.valkey.serialization import encoded

_log: Final = logging.getLogger(__name__)

_KEYS: Final = (*GLOBAL_KEYS, *SCHEMA_KEY)


class _Run(Protocol):
    def __call__(self, work: Script, keys: tuple[bytes, ...], *arguments: Argument) -> Any: ...


class Losses:
    """Finds out what was lost and creates configured accounts again. May be used by many threads.

    `create` creates an account unless it is there, and says whether it did; `unlist` takes a userid off the list of
    all; `mark` writes the mark by which an emptied server is recognized.
    """

    def __init__(
        self,
        run: _Run,
        create: Callable[[Account], bool],
        unlist: Callable[[str], object],
        mark: Callable[[], object],
    ) -> None:
        self._run = run
        self._create = create
        self._unlist = unlist
        self._mark = mark
        self._configured: dict[str, Account] = {}

    def configure(self, account: Account) -> None:
        """An account of the options: it is created again where it is lost."""
        self._configured[account.userid] = account

    def is_restored(self, userid: str) -> bool:
        """Whether an account that is not there was lost and is there again."""
        is_marked, is_listed = self._run(scripts.LOST, _KEYS, encoded(userid))
        if not is_marked:
            self._restore_all()
        elif is_listed:
            self._restore(userid)
        return (not is_marked or bool(is_listed)) and userid in self._configured

    def check(self) -> None:
        """Restore what is lost of the configured accounts, and of an emptied server."""
        userids = list(self._configured)
        is_marked, *listed = self._run(scripts.LOST, _KEYS, *map(encoded, userids))
        if not is_marked:
            self._restore_all()
            return
        for userid, is_listed in zip(userids, listed, strict=True):
            if is_listed and self._create(self._configured[userid]):
                self._log_restored(userid)

    def _restore_all(self) -> None:
        """The mark comes last: until then, every process that finds nothing comes here too."""
        restored = [userid for userid, account in self._configured.items() if self._create(account)]
        self._mark()
        _log.error(
            "the server was emptied, or has dropped keys: what was stored may be lost; accounts created again: %s",
            ", ".join(map(ascii, restored)) or "none",
        )

    def _restore(self, userid: str) -> None:
        account = self._configured.get(userid)
        if account is None:
            self._unlist(userid)
            _log.error("the server has lost the account %s, as by eviction: it is no longer there", ascii(userid))
        elif self._create(account):
            self._log_restored(userid)

    def _log_restored(self, userid: str) -> None:
        _log.error("the server has lost the account %s, as by eviction: it is created again", ascii(userid))
