"""Under which keys all is kept on a server: those of an account in one slot, by what stands in braces.

Here belong their names. What stands there is the affair of the scripts.
"""

from functools import lru_cache
from typing import Final
from urllib.parse import quote

CACHE_SIZE: Final = 10_000
"""Accounts of which the terms and keys are kept here, so that they need not be read and understood for each request."""


@lru_cache(maxsize=CACHE_SIZE)
def account_keys(userid: str) -> tuple[bytes, ...]:
    """All keys of an account: in one slot, by what stands in braces. Any userid is written without braces here."""
    tag = quote(userid, safe="", errors="surrogatepass")
    return tuple(f"sms10692:{{={tag}}}:{name}".encode() for name in _PARTS)


_PARTS: Final = (
    "account",
    "sent",
    "starts",
    *(f"{queue}:{part}" for queue in ("reports", "replies") for part in ("log", "later", "bundles", "fetches")),
)
"""In the order in which `scripts/queues.lua` names them."""

GLOBAL_KEYS: Final = tuple(f"sms10692:{{all}}:{name}".encode() for name in ("userids", "throwaway", "numbers"))
SCHEMA_KEY: Final = (b"sms10692:{all}:form",)
