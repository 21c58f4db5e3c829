"""Names of the keys on the server. All keys of an account are in one cluster slot, by their hash tag in braces."""

from functools import lru_cache
from typing import Final
from urllib.parse import quote

CACHE_SIZE: Final = 10_000
"""Accounts whose parsed documents and key names are cached in this process, at most."""


@lru_cache(maxsize=CACHE_SIZE)
def account_keys(userid: str) -> tuple[bytes, ...]:
    """All keys of an account. The userid is percent-encoded, so that it contains no braces."""
    tag = quote(userid, safe="", errors="surrogatepass")
    return tuple(f"sms10692:{{={tag}}}:{name}".encode() for name in _KEY_NAMES)


_KEY_NAMES: Final = (
    "account",
    "sent",
    "starts",
    *(f"{queue}:{part}" for queue in ("reports", "replies") for part in ("log", "scheduled", "batches", "fetches")),
    "deleted",
)
"""In the order that `scripts/queues.lua` expects in KEYS."""

GLOBAL_KEYS: Final = tuple(f"sms10692:{{all}}:{name}".encode() for name in ("userids", "temporary", "numbers"))
SCHEMA_KEY: Final = (b"sms10692:{all}:form",)
