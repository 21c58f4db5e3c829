"""`ProfileTable`: the profiles that the accounts of one emulator can have."""

from collections.abc import Callable, Sequence

from sms10692_mock.domain.profiles import MANUAL, PROFILES, Profile


class UnknownProfile(ValueError):
    """An account is to have a profile that the emulator does not have."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"no profile is called {name!r}; there are {', '.join(known)}")


def _ignore(name: str, used: str) -> None:
    pass


class ProfileTable(dict[str | None, Profile]):
    """Profiles by name: the built-in ones, those `added` at run time, and `loaded`, which win over stored ones.

    The key None is the emulator's profile, which is the first of `loaded`, or `manual`. An unknown name has it too: the
    account of a persisted store may have a profile that is not loaded any more. `report_unknown` is then called once,
    with the unknown name and that of the emulator's profile.
    """

    def __init__(
        self,
        loaded: Sequence[Profile] = (),
        report_unknown: Callable[[str, str], None] = _ignore,
        added: tuple[Profile, ...] = (),
    ) -> None:
        self.default = loaded[0] if loaded else MANUAL
        super().__init__(PROFILES.items())
        self.update((profile.name, profile) for profile in (*added, *loaded) if profile.name not in PROFILES)
        self[None] = self.default
        self._loaded, self.added, self._report_unknown = loaded, added, report_unknown
        self._reported: set[str] = set()

    def __missing__(self, name: str | None) -> Profile:
        if name is not None and name not in self._reported:
            self._reported.add(name)
            self._report_unknown(name, self.default.name)
        return self.default

    def is_fixed(self, name: str) -> bool:
        """Return whether a profile is built in or was loaded at the start."""
        return name in PROFILES or name in [profile.name for profile in self._loaded]

    @property
    def names(self) -> list[str]:
        """The names of all profiles."""
        return [name for name in self if name is not None]

    def replace_added(self, added: tuple[Profile, ...]) -> "ProfileTable":
        """Return a table with the same loaded profiles and these in place of those added at run time."""
        return ProfileTable(self._loaded, self._report_unknown, added)

    def check(self, name: str | None) -> str | None:
        """Return the name of a profile that an account can have; None, for the emulator's, also for an empty name.

        Raises UnknownProfile.
        """
        if name and name not in self:
            raise UnknownProfile(name, self.names)
        return name or None
