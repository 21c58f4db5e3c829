"""Careless clients: each is the careful driver with one small change, and passes none of the cases named for it."""

import tomllib
from pathlib import Path
from typing import Final, NamedTuple

CAREFUL: Final = Path(__file__).with_name("careful_driver.py")
_TABLE: Final = Path(__file__).with_name("careless_clients.toml")


def change_driver(old: str, new: str) -> str:
    """Return the source of the careful driver with one change. Raises ValueError unless it has `old` exactly once."""
    source = CAREFUL.read_text("utf-8")
    if source.count(old) != 1:
        raise ValueError(f"the careful driver has {source.count(old)} times {old!r}")
    return source.replace(old, new)


class Careless(NamedTuple):
    """A change of the careful driver: `old` becomes `new`.

    `unjudged` are cases that cannot be judged before the first of `cases` is mended, and name it.
    """

    name: str
    cases: tuple[str, ...]
    unjudged: tuple[str, ...]
    old: str
    new: str

    def build(self) -> str:
        """Return the source of the client. Raises ValueError unless the driver has the old text exactly once."""
        return change_driver(self.old, self.new)


CARELESS: Final = tuple(
    Careless(row["name"], tuple(row["cases"]), tuple(row.get("unjudged", ())), row["old"], row["new"])
    for row in tomllib.loads(_TABLE.read_text("utf-8"))["client"]
)
CARELESS_BY_NAME: Final = {client.name: client for client in CARELESS}
