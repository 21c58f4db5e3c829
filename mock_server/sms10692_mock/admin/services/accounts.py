"""Account service: create, change, reset, delete and list accounts; the forbidden words.

Temporary accounts that nobody has used for the time-to-live are deleted when accounts are read through this service;
there is no background timer.
"""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from sms10692_mock.admin.services.password_mask import MASK
from sms10692_mock.admin.services.schemas import INTEGRAL, Name, StrictInput, Text
from sms10692_mock.config import Options
from sms10692_mock.domain.accounts import POINTS_DEFAULT, Account, is_url_safe, random_id, temporary_userid
from sms10692_mock.domain.bounds import MAX_POINTS
from sms10692_mock.domain.clock import ClockOverride, current_time
from sms10692_mock.domain.delivery import NO_DELIVERY_RULES
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.records import Settings
from sms10692_mock.domain.store import NoSuchAccount
from sms10692_mock.domain.vendor import Vendor

Points = Annotated[int, Field(ge=0, le=MAX_POINTS), INTEGRAL]

_EXPIRY_INTERVAL: Final = 60.0
"""Seconds between two searches for expired accounts, at most."""


class AccountExists(ValueError):
    """An account with this userid exists already. Nothing was changed."""

    def __init__(self, userid: str) -> None:
        super().__init__(f"an account with the userid {userid} exists already")


def _check_url_safe(userid: str) -> str:
    if not is_url_safe(userid):
        raise ValueError("this userid cannot be part of a URL path")
    return userid


Userid = Annotated[Name, AfterValidator(_check_url_safe)]
"""A userid that can be part of a URL path."""


_PROFILE: Final = "name of a profile; null or empty: that of the emulator"


class NewAccount(StrictInput):
    """Settings of a new temporary account. All are optional."""

    userid: Userid | None = Field(default=None, description="default: nine random digits that no other account has")
    account: Name | None = Field(default=None, description="account name at the vendor; default: a random name")
    password: Name | None = Field(default=None, description="default: a random password")
    points: Points = POINTS_DEFAULT
    postpaid: bool = False
    can_read_queues: bool = True
    profile: Text | None = Field(default=None, description=_PROFILE)
    private_clock: bool = Field(
        default=False, description="true: the account has a clock of its own and does not follow the global clock"
    )


class AccountPatch(StrictInput):
    """Changes of an account. Fields that are left out stay unchanged."""

    account: Name = Field(default_factory=str, description="account name at the vendor")
    password: Name = Field(default_factory=str)
    top_up: Points = Field(0, description="points to add to the balance and to sendTotal")
    points: Annotated[int, Field(ge=-MAX_POINTS, le=MAX_POINTS), INTEGRAL] | None = Field(
        None, description="new balance; points that this adds count in sendTotal"
    )
    can_read_queues: bool = True
    profile: Text | None = Field(None, description=_PROFILE)

    @model_validator(mode="after")
    def _check_one_balance_change(self) -> "AccountPatch":
        if self.points is not None and self.top_up:
            raise ValueError('give either "points" (the new balance) or "top_up" (points to add), not both')
        return self


class AccountDocument(BaseModel):
    """State of an account. `messages` is the number of messages it ever sent; `temporary` marks temporary accounts.
    `password` is masked for a reader with the read-only token.

    `profile` is in force. `own_profile` is the account's own, null if it has the emulator's; one that is not loaded any
    more is not in force.
    """

    userid: str
    account: str
    password: str
    payinfo: Literal["prepaid", "postpaid"]
    points: int
    send_total: int
    messages: int
    can_read_queues: bool
    profile: str
    own_profile: str | None
    temporary: bool


class AccountQuery(StrictInput):
    """Selects a page of the list of accounts; without parameters, all accounts."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=False)

    after: str | None = Field(None, description="`next` of the previous page")
    limit: int | None = Field(None, ge=1, le=1000)


class AccountsDocument(BaseModel):
    """Accounts in the order of their creation.

    `next` is the value of `after` for the next page, or null. `evicted` is the number of temporary accounts that were
    deleted because there were more than `--max-accounts`.
    """

    accounts: Sequence[AccountDocument]
    next: str | None
    evicted: int


_ALL: Final = AccountQuery(after=None, limit=None)


class ResetOptions(StrictInput):
    """Selects what to reset: one account or, without a userid, the whole emulator."""

    userid: Text | None = None


class ForbiddenWords(StrictInput):
    """The forbidden words (屏蔽词) of all accounts."""

    words: list[Text]


class AccountService:
    """Reads and changes accounts. Those of `options` exist after a reset of the whole emulator."""

    def __init__(self, vendor: Vendor, options: Options) -> None:
        self._vendor = vendor
        self._store = vendor.store
        self._configured = options.accounts
        self._account_ttl = options.account_ttl
        self._last_expiry = vendor.wall_clock()
        self.may_show_passwords: Callable[[], bool] = lambda: True
        """Whether the reader of now may see the passwords of accounts. The application sets it."""

    def get(self, userid: str) -> Account:
        """Return the account with this userid. Raises NoSuchAccount."""
        self._expire_idle()
        account = self._store.account(userid)
        if account is None:
            raise NoSuchAccount(userid)
        return account

    def to_document(self, account: Account) -> AccountDocument:
        """Return the state of an account."""
        balance = self._store.balance(account.userid)
        return AccountDocument.model_construct(
            userid=account.userid,
            account=account.account,
            password=account.password if self.may_show_passwords() else MASK,
            payinfo="postpaid" if account.postpaid else "prepaid",
            points=balance.points,
            send_total=balance.total_added,
            messages=balance.messages,
            can_read_queues=account.can_read_queues,
            profile=self._vendor.profile_of(account).name,
            own_profile=account.profile,
            temporary=account.temporary,
        )

    def default_userid(self) -> str:
        """Return the userid of the oldest account. Raises NoSuchAccount if there are no accounts."""
        userids = self._store.userids()
        if not userids:
            raise NoSuchAccount("-")
        return userids[0]

    def find(self, text: str, limit: int) -> tuple[Sequence[Account], int]:
        """Return the accounts whose userid or account name contains the text, and how many were left out.

        Permanent accounts come first, then the newest temporary ones. This does not count as use of the accounts.
        """
        wanted = text.casefold()
        found = [one for one in self._store.accounts() if wanted in f"{one.userid}\n{one.account}".casefold()]
        permanent = [account for account in found if not account.temporary]
        newest = [account for account in reversed(found) if account.temporary]
        return (*permanent, *newest)[:limit], max(len(found) - limit, 0)

    def list_accounts(self, query: AccountQuery = _ALL) -> AccountsDocument:
        """Return a page of the accounts, oldest first. It is empty if the account `after` no longer exists.

        Listing does not count as use of the accounts.
        """
        self._expire_idle()
        known = self._store.accounts()
        if query.after is not None:
            userids = [account.userid for account in known]
            known = known[userids.index(query.after) + 1 :] if query.after in userids else []
        page = known if query.limit is None else known[: query.limit]
        documents: list[AccountDocument] = []
        for account in page:
            with suppress(NoSuchAccount):  # deleted since it was listed
                documents.append(self.to_document(account))
        next_userid = page[-1].userid if len(page) < len(known) else None
        return self._to_page(documents, next_userid)

    def create(self, new: NewAccount) -> AccountDocument:
        """Create a temporary account. Raises AccountExists if another account has the requested userid.

        Raises UnknownProfile.
        """
        self._expire_idle()
        real = self._vendor.wall_clock()
        account = Account(
            userid=new.userid or temporary_userid(),
            account=new.account or f"test-{random_id()}",
            password=new.password or secrets.token_urlsafe(9),
            points=new.points,
            postpaid=new.postpaid,
            can_read_queues=new.can_read_queues,
            profile=self._vendor.profiles().check(new.profile),
            clock=ClockOverride(current_time(self._store.settings().clock, real), real) if new.private_clock else None,
            temporary=True,
        )
        while not self._store.create_account(account, keep=True):
            if new.userid is not None:
                raise AccountExists(new.userid)
            account = replace(account, userid=temporary_userid())
        return self.to_document(account)

    def update(self, userid: str, patch: AccountPatch) -> AccountDocument:
        """Add credit, set the balance or change settings. Fields that are not set stay unchanged.

        Raises NoSuchAccount, and BalanceOutOfBounds and UnknownProfile with nothing changed.
        """
        settings = patch.model_dump(exclude_unset=True)
        if "profile" in settings:
            settings["profile"] = self._vendor.profiles().check(settings["profile"])
        top_up, balance = settings.pop("top_up", 0), settings.pop("points", None)
        if balance is not None:
            self._store.set_balance(userid, balance)
        elif top_up:
            self._store.add_points(userid, top_up)
        account = (
            self._store.update_account(userid, lambda account: replace(account, **settings))
            if settings
            else self.get(userid)
        )
        return self.to_document(account)

    def withhold_points(self, userid: str, remaining: int) -> int:
        """Lower the balance to `remaining`, until `restore_points`, and return the points taken. Raises NoSuchAccount.

        A balance that is not higher stays, and nothing is taken, as from an account from which points are withheld.
        sendTotal changes with the balance. A send meanwhile is paid from what remains.
        """
        points = self._store.balance(self.get(userid).userid).points
        withheld = max(0, points - remaining)
        if self._swap_withheld(userid, lambda known: withheld if known is None else known) is not None:
            return 0
        if withheld:
            self._store.add_points(userid, -withheld)
        return withheld

    def restore_points(self, userid: str) -> int:
        """Add what `withhold_points` took to the balance, and return it; 0 if nothing is withheld."""
        withheld = self._swap_withheld(userid, lambda _: None) or 0
        if withheld:
            self._store.add_points(userid, withheld)
        return withheld

    def _swap_withheld(self, userid: str, choose: Callable[[int | None], int | None]) -> int | None:
        """Replace an account's withheld points in one step, and return those before. Raises NoSuchAccount."""
        before: int | None = None

        def change(account: Account) -> Account:
            nonlocal before  # of the last call, which is the one that counts
            before = account.withheld_points
            return replace(account, withheld_points=choose(before))

        self._store.update_account(userid, change)
        return before

    def delete(self, userid: str) -> None:
        """Delete an account and all its data. Raises NoSuchAccount."""
        self._vendor.limits.forget(userid)
        self._store.delete_account(self.get(userid).userid)

    def reset(self, userid: str) -> AccountDocument:
        """Reset an account to its initial balance, without data, rules, faults and clock override.

        Name, password and permissions stay. Raises NoSuchAccount.
        """
        self._vendor.limits.forget(userid)
        return self.to_document(
            self._store.reset(
                userid,
                lambda account: replace(
                    account, clock=None, delivery_rules=NO_DELIVERY_RULES, faults=(), withheld_points=None
                ),
            )
        )

    def reset_all(self) -> AccountsDocument:
        """Reset the emulator: delete temporary accounts, reset the others, clear global settings and request log."""
        configured = {account.userid for account in self._configured}
        for account in self._store.accounts():
            if account.temporary:
                self._store.delete_account(account.userid)
            elif account.userid not in configured:
                with suppress(NoSuchAccount):  # deleted since it was listed
                    self.reset(account.userid)
        for account in self._configured:
            self._store.create_account(account)
        self._store.change_settings(lambda settings: Settings())
        self._store.clear_request_log()
        self._vendor.limits.forget_all()
        return self.list_accounts()

    def reset_many(self, options: ResetOptions) -> AccountsDocument:
        """Reset one account or the whole emulator. Raises NoSuchAccount."""
        if options.userid is None:
            return self.reset_all()
        return self._to_page([self.reset(options.userid)], None)

    def _to_page(self, accounts: Sequence[AccountDocument], next_userid: str | None) -> AccountsDocument:
        return AccountsDocument.model_construct(accounts=accounts, next=next_userid, evicted=self._store.evicted())

    def forbidden_words(self) -> ForbiddenWords:
        """Return the forbidden words."""
        return ForbiddenWords.model_construct(words=list(self._vendor.keywords().words))

    def set_forbidden_words(self, forbidden: ForbiddenWords) -> ForbiddenWords:
        """Replace the forbidden words of all accounts."""
        words = Keywords(forbidden.words).words
        self._store.change_settings(lambda settings: replace(settings, words=words))
        return self.forbidden_words()

    def _expire_idle(self) -> None:
        """Delete the temporary accounts whose time-to-live is over."""
        if self._account_ttl is None:
            return
        now = self._vendor.wall_clock()
        if now >= self._last_expiry + min(_EXPIRY_INTERVAL, self._account_ttl):
            self._last_expiry = now
            self._store.expire(now - self._account_ttl)
