"""The control address `/_mock`: what a test or a person may see and turn of the emulator, as JSON.

Here belong its routes and documents. What is behind them is the store's and the vendor's; who may call is `guard`'s.
"""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Literal

from flask_openapi3.blueprint import APIBlueprint
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from sms10692 import __version__, contract
from sms10692.signing import CHINA
from sms10692_mock.accounts import POINTS_DEFAULT, Account
from sms10692_mock.clock import Turned
from sms10692_mock.keywords import Keywords
from sms10692_mock.stores.protocol import FIRST_TASK_ID, NoSuchAccount
from sms10692_mock.stores.records import Reply, Report
from sms10692_mock.vendor import Vendor

Answer = tuple[dict[str, Any], int]

_MAX_POINTS: Final = 10**15


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class NewAccount(_Document):
    """A throw-away account: everything may be left out."""

    points: int = Field(POINTS_DEFAULT, ge=0, le=_MAX_POINTS)
    postpaid: bool = False
    may_read_reports: bool = True
    dialect: Literal["manual", "observed"] | None = None


class Terms(_Document):
    """What may change of an account."""

    charge: int = Field(0, ge=0, le=_MAX_POINTS, description="points to add to the balance and to sendTotal")
    may_read_reports: bool = True
    dialect: Literal["manual", "observed"] | None = None


class AccountDocument(_Document):
    """An account as it stands."""

    userid: str
    account: str
    password: str
    payinfo: Literal["prepaid", "postpaid"]
    points: int
    send_total: int
    may_read_reports: bool
    dialect: Literal["manual", "observed"]


class AccountPath(BaseModel):
    """Which account."""

    userid: str


class ClockSetting(_Document):
    """`real` undoes all turning; `frozen` stops the clock, now or at `now`; `running` lets it run from `now`."""

    mode: Literal["real", "frozen", "running"]
    now: AwareDatetime | None = Field(None, strict=False)
    speed: float = Field(1.0, gt=0, le=1_000_000)


class Advance(_Document):
    """How far to put a clock forward."""

    seconds: float = Field(ge=0, le=10**10)


class ClockDocument(_Document):
    """What a clock shows."""

    mode: Literal["real", "frozen", "running"]
    now: str
    speed: float


class Words(_Document):
    """All the forbidden words."""

    words: list[str]


class NewReport(_Document):
    """A report to put into the queue, as if the network had sent it: everything but the number may be left out."""

    mobile: str
    task_id: int = Field(FIRST_TASK_ID, ge=1)
    status: Literal[10, 20] = contract.DELIVERED
    errorcode: str = "DELIVRD"
    extno: str = Field("", pattern=r"^[0-9]{0,10}$")
    seconds: float = Field(0.0, ge=0, le=10**10, description="how long until it waits")


class NewReply(_Document):
    """An answer from a handset to put into the queue: everything but number and text may be left out."""

    mobile: str
    content: str
    task_id: int = Field(FIRST_TASK_ID, ge=1)
    extno: str = Field("", pattern=r"^[0-9]{0,10}$")
    seconds: float = Field(0.0, ge=0, le=10**10, description="how long until it waits")


class Health(_Document):
    """That it is there, and what it is."""

    ready: bool
    version: str
    dialect: str
    store: str


class Failure(_Document):
    """What was wrong with a request."""

    error: str


def control(vendor: Vendor, dialect: str) -> APIBlueprint:
    """The routes of the control address, for one emulator that writes in `dialect` where an account has none."""
    routes = APIBlueprint("control", __name__, url_prefix="/_mock", abp_responses={404: Failure, 422: Failure})
    store = vendor.store

    def account_of(path: AccountPath) -> Account:
        account = store.account(path.userid)
        if account is None:
            raise NoSuchAccount(path.userid)
        return account

    def document(account: Account) -> dict[str, Any]:
        standing = store.standing(account.userid)
        return {
            "userid": account.userid,
            "account": account.account,
            "password": account.password,
            "payinfo": "postpaid" if account.postpaid else "prepaid",
            "points": standing.points,
            "send_total": standing.charged_up,
            "may_read_reports": account.may_read_reports,
            "dialect": account.dialect or dialect,
        }

    def clock_document(account: Account | None) -> dict[str, Any]:
        turned = (account and account.clock) or store.settings().clock
        now = datetime.fromtimestamp(vendor.now(account), CHINA)
        if turned is None:
            return {"mode": "real", "now": now.isoformat(), "speed": 1.0}
        return {"mode": "running" if turned.speed else "frozen", "now": now.isoformat(), "speed": turned.speed}

    def setting(wanted: ClockSetting) -> Callable[[Turned | None], Turned | None]:
        real = vendor.real_time()

        def set_to(turned: Turned | None) -> Turned | None:
            if wanted.mode == "real":
                return None
            shown = (turned or store.settings().clock or Turned(real, real)).now(real)
            at = wanted.now.timestamp() if wanted.now else shown
            return Turned(at, real, wanted.speed if wanted.mode == "running" else 0.0)

        return set_to

    def advancing(seconds: float) -> Callable[[Turned | None], Turned]:
        real = vendor.real_time()
        return lambda turned: (turned or store.settings().clock or Turned(real, real)).advanced(seconds, real)

    def turn_all(turn: Callable[[Turned | None], Turned | None]) -> None:
        store.change_settings(lambda settings: replace(settings, clock=turn(settings.clock)))

    @routes.errorhandler(NoSuchAccount)
    def no_such_account(error: NoSuchAccount) -> Answer:
        return {"error": f"there is no account of the userid {error}"}, 404

    @routes.get("/health", summary="Whether it is there", responses={200: Health})
    def health() -> Answer:
        return {"ready": True, "version": __version__, "dialect": dialect, "store": "memory"}, 200

    @routes.get("/accounts", summary="All accounts")
    def accounts() -> Answer:
        known = (store.account(userid) for userid in store.userids())
        return {"accounts": [document(account) for account in known if account]}, 200

    @routes.post("/accounts", summary="Make a throw-away account", responses={201: AccountDocument})
    def make_account(body: NewAccount) -> Answer:
        name = secrets.token_hex(4)
        account = Account(
            userid=f"t{name}",
            account=f"test-{name}",
            password=secrets.token_urlsafe(9),
            points=body.points,
            postpaid=body.postpaid,
            may_read_reports=body.may_read_reports,
            dialect=body.dialect,
        )
        store.open(account)
        return document(account), 201

    @routes.get("/accounts/<userid>", summary="An account", responses={200: AccountDocument})
    def show_account(path: AccountPath) -> Answer:
        return document(account_of(path)), 200

    @routes.patch("/accounts/<userid>", summary="Charge up, change terms", responses={200: AccountDocument})
    def change_account(path: AccountPath, body: Terms) -> Answer:
        given = body.model_dump(exclude_unset=True)
        store.charge_up(path.userid, given.pop("charge", 0))
        return document(store.change(path.userid, lambda account: replace(account, **given))), 200

    @routes.delete("/accounts/<userid>", summary="Close an account")
    def close_account(path: AccountPath) -> Answer:
        store.close(account_of(path).userid)
        return {}, 200

    @routes.post("/accounts/<userid>/reset", summary="Begin anew", responses={200: AccountDocument})
    def reset_account(path: AccountPath) -> Answer:
        account = replace(account_of(path), clock=None)
        store.open(account)
        return document(account), 200

    @routes.post("/accounts/<userid>/reports", summary="Put a report into the queue")
    def put_report(path: AccountPath, body: NewReport) -> Answer:
        account = account_of(path)
        now = vendor.now(account)
        report = Report(now + body.seconds, body.mobile, body.task_id, body.status, body.errorcode, body.extno)
        store.put(account.userid, [report], [], now)
        return {}, 201

    @routes.post("/accounts/<userid>/replies", summary="Answer as a handset")
    def put_reply(path: AccountPath, body: NewReply) -> Answer:
        account = account_of(path)
        now = vendor.now(account)
        reply = Reply(now + body.seconds, body.mobile, body.task_id, body.content, body.extno)
        store.put(account.userid, [], [reply], now)
        return {}, 201

    @routes.get("/clock", summary="The clock for all", responses={200: ClockDocument})
    def show_clock() -> Answer:
        return clock_document(None), 200

    @routes.put("/clock", summary="Turn the clock for all", responses={200: ClockDocument})
    def turn_clock(body: ClockSetting) -> Answer:
        turn_all(setting(body))
        return clock_document(None), 200

    @routes.post("/clock/advance", summary="Put the clock for all forward", responses={200: ClockDocument})
    def advance_clock(body: Advance) -> Answer:
        turn_all(advancing(body.seconds))
        return clock_document(None), 200

    @routes.get("/accounts/<userid>/clock", summary="An account's clock", responses={200: ClockDocument})
    def show_clock_of_account(path: AccountPath) -> Answer:
        return clock_document(account_of(path)), 200

    @routes.put("/accounts/<userid>/clock", summary="Turn an account's clock", responses={200: ClockDocument})
    def turn_clock_of_account(path: AccountPath, body: ClockSetting) -> Answer:
        turn = setting(body)
        account = store.change(path.userid, lambda account: replace(account, clock=turn(account.clock)))
        return clock_document(account), 200

    @routes.post("/accounts/<userid>/clock/advance", summary="Put it forward", responses={200: ClockDocument})
    def advance_clock_of_account(path: AccountPath, body: Advance) -> Answer:
        turn = advancing(body.seconds)
        account = store.change(path.userid, lambda account: replace(account, clock=turn(account.clock)))
        return clock_document(account), 200

    @routes.get("/keywords", summary="The forbidden words", responses={200: Words})
    def show_keywords() -> Answer:
        return {"words": list(vendor.keywords().words)}, 200

    @routes.put("/keywords", summary="Other forbidden words", responses={200: Words})
    def put_keywords(body: Words) -> Answer:
        store.change_settings(lambda settings: replace(settings, words=Keywords(body.words).words))
        return {"words": list(vendor.keywords().words)}, 200

    return routes
