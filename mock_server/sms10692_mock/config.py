"""Options of an emulator: each field of `Options` is a row of the registry of options, with default, help and parser.

The options that only a process has, such as its port, are in `serve_options`. From both, `cli` builds the command with
its environment variables, and `make docs` writes the tables of docs/reference.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account, parse_account
from sms10692_mock.domain.bounds import MAX_SECONDS
from sms10692_mock.domain.clock import Clock, system_time
from sms10692_mock.domain.keywords import Keywords, load_words
from sms10692_mock.domain.profile_table import ProfileTable, UnknownProfile
from sms10692_mock.domain.profiles import MANUAL, Profile
from sms10692_mock.domain.records import Limits
from sms10692_mock.domain.store import Store
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.profile_file import parse_profiles
from sms10692_mock.stores.memory.store import MemoryStore

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionSpec:
    """How an option is written on the command line, and described in `--help` and in docs/reference.

    A `default` that is a tuple or set without `choices` makes the option repeatable, a bool makes it a switch. `type`
    is that of the text that is given: str, or float. A whole number is within `bounds`, of which the upper one may be
    None. `choices` are the values of the words that can be given. `parse` converts a given text, or the list of all
    texts of a repeatable option; it raises ValueError with a message for the user, or OSError of a file. `notes` and
    `chinese` are Markdown: the reference shows `help` followed by `notes`, in Chinese `chinese`. Without a `flag` it is
    the field's name.
    """

    default: Any
    help: str
    chinese: str
    notes: str = ""
    flag: str = ""
    metavar: str | None = None
    type: type = str
    bounds: tuple[int, int | None] | None = None
    choices: Mapping[str, Any] | None = None
    parse: Callable[[Any], Any] | None = None
    default_word: str = ""

    @property
    def is_repeatable(self) -> bool:
        """Whether several values can be given."""
        return isinstance(self.default, tuple | frozenset) and self.choices is None

    @property
    def variable(self) -> str:
        """The environment variable. That of a repeatable option has one value per line."""
        return f"SMS10692_MOCK_{self.flag.removeprefix('--').replace('-', '_').upper()}"

    @property
    def given_default(self) -> str | int | float | bool | None:
        """The text or number that could be given for the default; None if nothing could."""
        if self.default_word:
            return self.default_word
        if self.choices is not None:
            return next(word for word, value in self.choices.items() if value == self.default)
        return self.default if isinstance(self.default, str | int | float) else None

    def convert(self, given: Any) -> Any:
        """Convert what was given. Raises ValueError with a message for the user, and OSError of a file."""
        if self.choices is not None:
            return self.choices[given]
        return given if self.parse is None else self.parse(given)


def option(default: Any, **spec: Any) -> Any:
    """Return a dataclass field with this default that is an option; `spec` are the arguments of `OptionSpec`."""
    return field(default=default, metadata={"option": OptionSpec(default=default, **spec)})


def parse_seconds(seconds: float) -> float:
    """Return a number of seconds that is within the limits. Raises ValueError."""
    if not 0 <= seconds <= MAX_SECONDS:  # also rejects NaN
        raise ValueError(f"expected a number of seconds from 0 to {MAX_SECONDS:.0f}")
    return seconds


def _parse_accounts(texts: Sequence[str]) -> tuple[Account, ...]:
    accounts = {DEFAULT_ACCOUNT.userid: DEFAULT_ACCOUNT}
    for account in map(parse_account, texts):
        if accounts.get(account.userid, DEFAULT_ACCOUNT) is not DEFAULT_ACCOUNT:
            raise ValueError(f"the userid {account.userid} occurs twice; give each userid once")
        accounts[account.userid] = account
    return tuple(accounts.values())


def _load_keywords(file: str) -> Keywords:
    return Keywords(load_words(Path(file)))


ENDPOINT_CHOICES: Final[Mapping[str, tuple[Endpoint, ...]]] = {
    "all": protocol.ENDPOINTS,
    "signed": tuple(endpoint for endpoint in protocol.ENDPOINTS if endpoint.authentication is protocol.SIGNED),
}

_SECONDS: Final[Mapping[str, Any]] = {"type": float, "parse": parse_seconds, "metavar": "SECONDS"}


@dataclass(frozen=True)
class Options:
    """Options of an emulator. `accounts` are created at the start unless they are stored already.

    `clock` is the clock of real time. `limits` bounds the history that the store keeps.
    Without an `account_ttl` no temporary account is deleted for its age.
    """

    accounts: tuple[Account, ...] = option(
        (DEFAULT_ACCOUNT,),
        flag="--account",
        metavar="USERID:ACCOUNT:PASSWORD[:POINTS]",
        parse=_parse_accounts,
        help="Add an account, or replace the manual's (userid 12).",
        notes="The manual's is `12:test:mima:1000`. A userid contains no `/`.",
        chinese="增加账号；userid 为 12 时替换接口文档的账号 `12:test:mima:1000`。userid 不能含 `/`。",
    )
    keywords: Keywords = option(
        Keywords(),
        metavar="FILE",
        parse=_load_keywords,
        help="Forbidden words that replace the default list: a UTF-8 file, one word per line.",
        notes="100,000 words do not slow sends down.",
        chinese="替换默认列表的屏蔽词：UTF-8 文件，每行一个。100,000 个词也不会拖慢发送。",
    )
    report_delay: float = option(
        0.0,
        help="Delay between a send and its reports.",
        notes="It counts from sendTime if there is one, and applies to replies too.",
        chinese="从发送（或 sendTime）到产生状态报告和上行的时间。",
        **_SECONDS,
    )
    profiles: tuple[Profile, ...] = option(
        (MANUAL,),
        flag="--profile",
        metavar="NAME|FILE",
        parse=parse_profiles,
        default_word=MANUAL.name,
        help="Brand of the vendor: manual, observed, or the TOML file of another brand. Accounts have the first one, "
        "unless they choose another.",
        notes="`observed`: CDATA in items; checkkeyword with `returnstatus` and `checkCounts`; refusals of "
        "checkkeyword and overage in the elements of send. Files: see [profiles](profiles.md).",
        chinese="厂商的品牌：manual（与接口文档一致）、observed（与较新的服务器一致），或其他品牌的 TOML 文件。"
        "账号使用第一个，除非另选。`observed`：条目中使用 CDATA；checkkeyword 带 `returnstatus` 和 `checkCounts`；"
        "checkkeyword 和 overage 被拒绝时使用 send 的元素。文件见[品牌配置](profiles.zh-CN.md)。",
    )
    endpoints: tuple[Endpoint, ...] = option(
        protocol.ENDPOINTS,
        choices=ENDPOINT_CHOICES,
        help="Endpoints to serve: all, or those of the manual only, which are signed.",
        notes="The older endpoints take account and password in clear.",
        chinese="提供哪些接口：全部，或只有接口文档中的签名接口。旧接口直接传送账号和密码。",
    )
    clock: Clock = system_time
    limits: Limits = Limits()
    account_ttl: float | None = option(
        24 * 3600.0,
        help="Delete temporary accounts after this time without a request.",
        chinese="删除这么久没有请求的临时账号。",
        **_SECONDS,
    )
    allow_cross_site: bool = option(
        False,
        help="Accept requests to the vendor's endpoints that browsers send from pages of other sites.",
        notes="By default these (`Sec-Fetch-Site: cross-site`) get HTTP 403, so that no web page can empty a queue.",
        chinese="也响应浏览器的跨站请求。默认这些厂商请求（`Sec-Fetch-Site: cross-site`）返回 HTTP 403，"
        "以免任意网页把队列全部取走。",
    )


def check_profiles(accounts: Iterable[Account], profiles: Sequence[Profile]) -> None:
    """Raise ValueError with a message for the user if an account has a profile that is not among these.

    The built-in profiles always are.
    """
    table = ProfileTable(profiles)
    for account in accounts:
        try:
            table.check(account.profile)
        except UnknownProfile as error:
            raise ValueError(f"account {account.userid}: {error}") from None


def _warn_unknown(name: str, used: str) -> None:
    _log.warning("the stored profile %s is not loaded: accounts that have it get %s", name, used)


def build_vendor(options: Options, store: Store | None = None) -> Vendor:
    """Build a vendor on this store, or on a new in-memory store. Accounts that are stored already stay unchanged.

    Raises ValueError if an account of the options has an unknown profile.
    """
    check_profiles(options.accounts, options.profiles)
    store = store or MemoryStore(options.limits, options.clock)
    for account in options.accounts:
        store.create_account(account, keep=True)
    return Vendor(
        store,
        options.clock,
        options.keywords,
        report_delay=options.report_delay,
        profiles=ProfileTable(options.profiles, _warn_unknown),
    )
