"""Accounts: made, charged up, changed, closed, begun anew.

Here belongs whose vendor it is. What is sent and received is in `traffic`, what goes wrong in `weather`.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from sms10692_mock.admin.services.schemas import INTEGRAL, Name, StrictInput, Text
from sms10692_mock.domain.accounts import POINTS_DEFAULT, Account, is_url_safe, random_id, temporary_userid
from sms10692_mock.domain.bounds import MAX_POINTS
from sms10692_mock.domain.clock import ClockOverride, current_time
from sms10692_mock.domain.delivery import NO_DELIVERY_RULES
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.records import Settings
from sms10692_mock.domain.store import NoSuchAccount
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.profiles import PROFILES, ProfileName

Points = Annotated[int, Field(ge=0, le=MAX_POINTS), INTEGRAL]

_SWEPT_EVERY: Final = 60.0


class AccountExists(ValueError):
    """There is an account of this userid already; nothing was changed."""

    def __init__(self, userid: str) -> None:
        super().__init__(f"there is an account of the userid {userid} already")


def _nameable(userid: str) -> str:
    if not is_url_safe(userid):
        raise ValueError("a userid that can be no part of an address")
    return userid


Userid = Annotated[Name, AfterValidator(_nameable)]
"""Of an account: what can be a part of an address."""


class NewAccount(StrictInput):
    """A throw-away account: everything may be left out."""

    userid: Userid | None = Field(default=None, description="without one, nine digits that no account has")
    account: Name | None = Field(default=None, description="its name at the vendor; without one it is new")
    password: Name | None = Field(default=None, description="without one it is random")
    points: Points = POINTS_DEFAULT
    postpaid: bool = False
    may_read_reports: bool = True
    dialect: ProfileName | None = None
    own_clock: bool = Field(default=False, description="whether the clock for all is not its clock, from the start")


class AccountPatch(StrictInput):
    """What may change of an account."""

    account: Name = Field(default_factory=str, description="its name at the vendor")
    password: Name = Field(default_factory=str)
    charge: Points = Field(0, description="to add to the balance and to sendTotal")
    points: Annotated[int, Field(ge=-MAX_POINTS, le=MAX_POINTS), INTEGRAL] | None = Field(
        None, description="the balance to have; sendTotal counts what this adds, as if it had been charged up"
    )
    may_read_reports: bool = True
    dialect: ProfileName | None = None

    @model_validator(mode="after")
    def _one_balance(self) -> "AccountPatch":
        if self.points is not None and self.charge:
            raise ValueError('give either "points", the balance to have, or "charge", points to add')
        return self


class AccountDocument(BaseModel):
    """An account as it stands; `messages` is how many it ever sent."""

    userid: str
    account: str
    password: str
    payinfo: Literal["prepaid", "postpaid"]
    points: int
    send_total: int
    messages: int
    may_read_reports: bool
    dialect: ProfileName
    throwaway: bool


class AccountQuery(StrictInput):
    """Which accounts: all, or so many that came after one."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=False)

    after: str | None = Field(None, description="`next` of the page before")
    limit: int | None = Field(None, ge=1, le=1000)


class AccountsDocument(BaseModel):
    """Accounts, in the order in which they came. `next` is the `after` of the next page, if there is one.

    `evicted` is how many temporary accounts were ever closed because there were too many (`--keep-accounts`).
    """

    accounts: Sequence[AccountDocument]
    next: str | None
    evicted: int


_ALL: Final = AccountQuery(after=None, limit=None)


class ResetOptions(StrictInput):
    """Who begins anew: one account, or, without a userid, all."""

    userid: Text | None = None


class ForbiddenWords(StrictInput):
    """All the forbidden words."""

    words: list[Text]


class AccountService:
    """What can be done about accounts. `originals` are those that there are after a reset of all.

    Throw-away accounts are closed when nobody used them for `unused` seconds; none is where that is None.
    """

    def __init__(
        self, vendor: Vendor, dialect: ProfileName, originals: Sequence[Account], unused: float | None
    ) -> None:
        self._vendor = vendor
        self._store = vendor.store
        self._dialect: ProfileName = dialect
        self._originals = originals
        self._unused = unused
        self._swept = vendor.wall_clock()

    def get(self, userid: str) -> Account:
        """The account of this userid. Raises NoSuchAccount."""
        self._sweep()
        account = self._store.account(userid)
        if account is None:
            raise NoSuchAccount(userid)
        return account

    def document(self, account: Account) -> AccountDocument:
        """The account as it stands."""
        standing = self._store.balance(account.userid)
        return AccountDocument.model_construct(
            userid=account.userid,
            account=account.account,
            password=account.password,
            payinfo="postpaid" if account.postpaid else "prepaid",
            points=standing.points,
            send_total=standing.charged_up,
            messages=standing.messages,
            may_read_reports=account.may_read_reports,
            dialect=PROFILES[account.dialect or self._dialect].name,
            throwaway=account.throwaway,
        )

    def default_userid(self) -> str:
        """The userid of the account that came first. Raises NoSuchAccount where there is none at all."""
        userids = self._store.userids()
        if not userids:
            raise NoSuchAccount("-")
        return userids[0]

    def userids(self, limit: int, among: str) -> list[str]:
        """Some userids: `among`, those of the emulator's own accounts, and those that came last. Uses none of them."""
        known = self._store.userids()
        originals = {account.userid for account in self._originals} | {among}
        last = set(known[-limit:])
        return [userid for userid in known if userid in last or userid in originals]

    def all(self, seek: AccountQuery = _ALL) -> AccountsDocument:
        """All accounts, or a page of them, in the order in which they came. None follow one that is gone."""
        self._sweep()
        known = self._store.accounts()  # Looking is no use of them.
        if seek.after is not None:
            userids = [account.userid for account in known]
            known = known[userids.index(seek.after) + 1 :] if seek.after in userids else []
        page = known if seek.limit is None else known[: seek.limit]
        documents: list[AccountDocument] = []
        for account in page:
            with suppress(NoSuchAccount):  # closed since it was listed
                documents.append(self.document(account))
        following = page[-1].userid if len(page) < len(known) else None
        return self._page(documents, following)

    def create(self, wanted: NewAccount) -> AccountDocument:
        """A fresh account, with a userid, a name and a password that no other has where none are given.

        Raises AccountExists.
        """
        self._sweep()
        real = self._vendor.wall_clock()
        account = Account(
            userid=wanted.userid or temporary_userid(),
            account=wanted.account or f"test-{random_id()}",
            password=wanted.password or secrets.token_urlsafe(9),
            points=wanted.points,
            postpaid=wanted.postpaid,
            may_read_reports=wanted.may_read_reports,
            dialect=wanted.dialect,
            clock=ClockOverride(current_time(self._store.settings().clock, real), real) if wanted.own_clock else None,
            throwaway=True,
        )
        while not self._store.create_account(account, keep=True):
            if wanted.userid is not None:
                raise AccountExists(wanted.userid)
            account = replace(account, userid=temporary_userid())
        return self.document(account)

    def change(self, userid: str, terms: AccountPatch) -> AccountDocument:
        """Charge an account up, set its balance, or give it other terms; what is not named stays.

        Raises BalanceOutOfBounds; then nothing was changed.
        """
        given = terms.model_dump(exclude_unset=True)
        charge, balance = given.pop("charge", 0), given.pop("points", None)
        if balance is not None:
            self._store.set_balance(userid, balance)
        elif charge:
            self._store.add_points(userid, charge)
        account = (
            self._store.update_account(userid, lambda account: replace(account, **given)) if given else self.get(userid)
        )
        return self.document(account)

    def delete(self, userid: str) -> None:
        """Forget an account, and all that was kept for it."""
        self._store.delete_account(self.get(userid).userid)

    def reset(self, userid: str) -> AccountDocument:
        """Let an account begin anew, with its name and password and what may be read; nothing else stays."""
        return self.document(
            self._store.reset(
                userid, lambda account: replace(account, clock=None, outcomes=NO_DELIVERY_RULES, faults=())
            )
        )

    def reset_all(self) -> AccountsDocument:
        """Let the emulator begin anew: throw-away accounts are gone, settings and the journal forgotten."""
        originals = {account.userid: account for account in self._originals}
        for account in self._store.accounts():
            if account.throwaway:
                self._store.delete_account(account.userid)
            elif account.userid not in originals:
                with suppress(NoSuchAccount):  # closed since it was listed
                    self.reset(account.userid)
        for account in self._originals:
            self._store.create_account(account)
        self._store.change_settings(lambda settings: Settings())
        self._store.clear_request_log()
        return self.all()

    def reset_many(self, who: ResetOptions) -> AccountsDocument:
        """The one or the other."""
        if who.userid is None:
            return self.reset_all()
        return self._page([self.reset(who.userid)], None)

    def _page(self, accounts: Sequence[AccountDocument], following: str | None) -> AccountsDocument:
        return AccountsDocument.model_construct(accounts=accounts, next=following, evicted=self._store.evicted())

    def keywords(self) -> ForbiddenWords:
        """The forbidden words."""
        return ForbiddenWords.model_construct(words=list(self._vendor.keywords().words))

    def put_keywords(self, wanted: ForbiddenWords) -> ForbiddenWords:
        """Other forbidden words, for all accounts."""
        words = Keywords(wanted.words).words
        self._store.change_settings(lambda settings: replace(settings, words=words))
        return self.keywords()

    def _sweep(self) -> None:
        """Close what nobody uses: whoever looks for accounts sees it gone, and nobody waits for a clock to ring."""
        if self._unused is None:
            return
        now = self._vendor.wall_clock()
        if now >= self._swept + min(_SWEPT_EVERY, self._unused):
            self._swept = now
            self._store.expire(now - self._unused)
