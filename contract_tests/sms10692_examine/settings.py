"""Settings of a run: the driver, the endpoints, and the limits."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Authentication: TypeAlias = Literal["signed", "password"]
Charset: TypeAlias = Literal["utf-8", "gb2312"]

TIMEZONE: Final = "America/New_York"
"""Time zone of the drivers, because a client that takes local time for China time is right in China only."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run reaches its clients, and what it configures. `timeout` is that of the client, in seconds."""

    command: tuple[str, ...]
    authentication: Authentication = "signed"
    charset: Charset = "utf-8"
    timeout: float = 2.0
    timezone: str = TIMEZONE
    jobs: int = 4

    @property
    def options(self) -> list[str]:
        """The options of the command that differ from the default."""
        default = Settings(())
        values = (
            ("--authentication", self.authentication, default.authentication),
            ("--charset", self.charset, default.charset),
            ("--timeout", f"{self.timeout:g}", f"{default.timeout:g}"),
            ("--timezone", self.timezone, default.timezone),
        )
        return [word for name, value, usual in values if value != usual for word in (name, value)]

    @property
    def answer_limit(self) -> float:
        """Seconds that an answer may take: several attempts that time out, and the work around them."""
        return 6 * self.timeout + 10
