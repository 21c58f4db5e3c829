"""Careless clients: each is the careful driver with one small change, and passes none of the cases named for it."""

import tomllib
from pathlib import Path
from typing import Final, NamedTuple

CAREFUL: Final = Path(__file__).with_name("careful_driver.py")
_TABLE: Final = Path(__file__).with_name("careless_clients.toml")


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
        source = CAREFUL.read_text("utf-8")
        if source.count(self.old) != 1:
            raise ValueError(f"{self.name}: the careful driver has {source.count(self.old)} times {self.old!r}")
        return source.replace(self.old, self.new)


CARELESS: Final = tuple(
    Careless(row["name"], tuple(row["cases"]), tuple(row.get("unjudged", ())), row["old"], row["new"])
    for row in tomllib.loads(_TABLE.read_text("utf-8"))["client"]
)
