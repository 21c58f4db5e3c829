"""Options of `sms10692-mock serve`: those of an emulator, and those that only a process has. Rows as in `config`."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from sms10692_mock.admin.forwarding import Network, parse_network
from sms10692_mock.admin.origins import PublicUrl, normalize_host, parse_public_url
from sms10692_mock.config import Options, OptionSpec, option
from sms10692_mock.diagnosis.translations import Language
from sms10692_mock.domain.records import Limits
from sms10692_mock.stores.factory import list_addresses

if TYPE_CHECKING:
    from sms10692_mock.admin.services.initial_state import StateFile
    from sms10692_mock.recording.replay import Replay

LogFormat: TypeAlias = Literal["text", "json"]

_LIMITS: Final = Limits()
_MEBIBYTE: Final = 1024 * 1024

_COUNT: Final[dict[str, Any]] = {"bounds": (1, None), "metavar": "N"}


def _parse_hosts(names: Sequence[str]) -> frozenset[str]:
    hosts = {name: normalize_host(name.strip()) for name in names}
    for name, host in hosts.items():
        if host is None:
            raise ValueError(f"{name!a} is not a host name; expected a name without scheme and port: sms.example")
    return frozenset(filter(None, hosts.values()))


def _parse_listen_hosts(hosts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(hosts))


def _parse_public_url(url: str) -> PublicUrl:
    public = parse_public_url(url)
    if public is None:
        raise ValueError(
            f"{url!a} is not a base URL: https://sms.example:8443/prefix, without user name and query; the prefix "
            "consists of letters, digits and ._~-"
        )
    return public


def _parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    try:
        return tuple(map(parse_network, texts))
    except ValueError as error:
        raise ValueError(f"{error}; expected an IP address, or a network such as 10.0.0.0/8") from None


def _parse_token(token: str) -> str:
    if not (token.isascii() and token.isprintable() and token and " " not in token):
        raise ValueError("expected printable ASCII characters without spaces, as an HTTP header carries them")
    return token


def _parse_account_profiles(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    pairs = [text.partition(":") for text in texts]
    for userid, _, name in pairs:
        if not (userid and name):
            raise ValueError("expected USERID:NAME, the name of a profile")
    return tuple((userid, name) for userid, _, name in pairs)


def _load_initial_state(file: str) -> "StateFile":
    from sms10692_mock.admin.services.initial_state import load_initial_state  # slow to import and rarely needed

    return load_initial_state(Path(file))


def _load_replay(folder: str) -> "Replay":
    from sms10692_mock.recording.replay import Replay

    return Replay(Path(folder))


@dataclass(frozen=True, eq=False, repr=False)
class ServeOptions(Options):
    """All options of the command, as given: `accounts` and `limits` do not yet contain what other options change."""

    host: tuple[str, ...] = option(
        ("127.0.0.1",),
        default_word="127.0.0.1",
        parse=_parse_listen_hosts,
        metavar="ADDRESS",
        help="Address to listen on; :: is all addresses, IPv6 and IPv4.",
        chinese="监听的地址；`::` 表示所有 IPv6 和 IPv4 地址。",
    )
    port: int = option(
        10692,
        bounds=(0, 65535),
        metavar="N",
        help="Port; 0 takes a free one.",
        notes="The first line on standard output names it.",
        chinese="端口；0 表示选一个空闲端口，标准输出的第一行会写明。",
    )
    tls: str = option(
        "off",
        choices={"off": "off", "self-signed": "self-signed"},
        help="Serve HTTPS too, with certificates of a local authority that is made on first use.",
        notes="See [HTTPS](network.md#https).",
        chinese="同时提供 HTTPS，证书由首次使用时生成的本地 CA 签发。见 [HTTPS](network.zh-CN.md#https)。",
    )
    tls_cert: Path | None = option(
        None,
        parse=Path,
        metavar="FILE",
        help="Serve HTTPS too, with this certificate chain (PEM).",
        chinese="同时提供 HTTPS，使用该证书链（PEM）。",
    )
    tls_key: Path | None = option(
        None,
        parse=Path,
        metavar="FILE",
        help="Private key of --tls-cert, if another file has it (PEM).",
        chinese="证书的私钥（PEM），如果在另一个文件里。",
    )
    tls_port: int = option(
        10693,
        bounds=(0, 65535),
        metavar="N",
        help="Port of HTTPS; 0 takes a free one.",
        chinese="HTTPS 的端口；0 表示选一个空闲端口。",
    )
    tls_folder: Path | None = option(
        None,
        parse=Path,
        metavar="FOLDER",
        help="Folder of the local authority, instead of one in the user's configuration folder.",
        chinese="本地 CA 的文件夹，默认在用户的配置文件夹里。",
    )
    lang: Language = option(
        "en",
        choices={"en": "en", "zh": "zh"},
        help="Language of the findings in the log.",
        notes="The header `X-Mock-Hint` is always English.",
        chinese="日志中诊断的语言。响应头 `X-Mock-Hint` 总是英文。",
    )
    allow_host: frozenset[str] = option(
        frozenset(),
        parse=_parse_hosts,
        metavar="NAME",
        help="Accept this host name in requests to the control API, besides loopback names. Requires a token.",
        chinese="除本机名称外，允许用来访问管理接口的主机名。需要令牌。",
    )
    public_url: PublicUrl | None = option(
        None,
        parse=_parse_public_url,
        metavar="URL",
        help="Base URL that clients use behind a proxy. Its host and origin are accepted; links and cookies use it.",
        notes="Such as `https://sms.example/sms`. See [behind a proxy](network.md#behind-a-proxy).",
        chinese="部署在代理之后时，客户端使用的地址，例如 `https://sms.example/sms`。接受它的主机名和来源（Origin），"
        "链接和 Cookie 使用它。见[反向代理](network.zh-CN.md#反向代理)。",
    )
    trusted_proxy: tuple[Network, ...] = option(
        (),
        parse=_parse_networks,
        metavar="ADDRESS",
        help="Trust the X-Forwarded-* and Forwarded headers of this proxy or network.",
        chinese="信任来自该代理或网段的 X-Forwarded-* 和 Forwarded 头。",
    )
    token: str | None = option(
        None,
        parse=_parse_token,
        metavar="TOKEN",
        help="Token of the control API. By default random, and printed, if other machines can reach the emulator or "
        "another host is allowed.",
        chinese="管理接口和控制台要求的令牌。默认在其他机器能够访问，或允许了其他主机名时，自动生成并打印。",
    )
    read_only_token: str | None = option(
        None,
        parse=_parse_token,
        metavar="TOKEN",
        help="Token with which spectators may read console and control API without secrets.",
        notes="See [access](#access).",
        chinese="只读令牌：可以查看控制台和管理接口，不能更改，也看不到密码和签名。见[访问控制](#访问控制)。",
    )
    log_level: str = option(
        "info",
        choices={level: level for level in ("debug", "info", "warning", "error")},
        help="info: one line per request; debug: requests of the console too.",
        chinese="info：每个请求一行；debug：控制台的请求也记录。",
    )
    log_format: LogFormat = option(
        "text",
        choices={"text": "text", "json": "json"},
        help="Format of the log: text, or one JSON object per line.",
        notes="Fields: see [deployment](deployment.md#log).",
        chinese="日志的格式：text，或每行一个 JSON 对象（json）。字段见[部署](deployment.zh-CN.md#日志)。",
    )
    log_file: Path | None = option(
        None,
        parse=Path,
        metavar="PATH",
        help="Append the log to this file in place of standard error; SIGHUP opens it again.",
        chinese="日志追加到该文件，而不是标准错误输出；收到 SIGHUP 时重新打开。",
    )
    store: str = option(
        "memory",
        metavar="ADDRESS",
        help=f"Where data is stored: {list_addresses(', ', ' or ')}.",
        notes="See [keep data](how-to.md#keep-data).",
        chinese=f"数据保存在哪里：{list_addresses('、', ' 或 ')}。见[保存数据](how-to.zh-CN.md#保存数据)。",
    )
    durable: bool = option(
        False,
        help="Send a response only after its data is on disk.",
        notes="SQLite only.",
        chinese="仅用于 SQLite：数据写到磁盘之后才响应。",
    )
    reset: bool = option(False, help="Delete the stored data first.", chinese="启动时删除已保存的数据。")
    max_accounts: int = option(
        _LIMITS.accounts,
        help="Maximum number of temporary accounts with empty queues; the least recently used are deleted.",
        notes="They are counted in `evicted` of `/_mock/accounts` and logged.",
        chinese="队列为空的临时账号数上限；超出时删除最久未使用的，计入 `/_mock/accounts` 的 `evicted` 并记入日志。",
        **_COUNT,
    )
    max_messages: int = option(
        _LIMITS.messages,
        help="Sent messages to keep for inspection, and fetched items per queue, over all accounts.",
        chinese="保留的历史短信数，所有账号合计；每个队列已获取的条目也按此数保留。",
        **_COUNT,
    )
    max_requests: int = option(
        _LIMITS.requests,
        help="Logged requests to keep for inspection, over all accounts.",
        chinese="请求记录保留的请求数，所有账号合计。",
        **_COUNT,
    )
    max_history_mib: int = option(
        _LIMITS.request_bytes // _MEBIBYTE,
        help="MiB to keep of logged requests, of sent messages, and of fetched items per queue.",
        chinese="请求、短信、每个队列已获取的条目各保留多少 MiB。",
        **_COUNT,
    )
    initial_state: "StateFile | None" = option(
        None,
        parse=_load_initial_state,
        metavar="FILE",
        help="Initial state, a TOML file: accounts, outcomes, queued items. Stored accounts stay unchanged.",
        notes="See [prepared data](how-to.md#start-with-prepared-data).",
        chinese="初始数据，TOML 文件：账号、送达结果、队列中的条目。已保存的账号不变。见[带初始数据启动]"
        "(how-to.zh-CN.md#带初始数据启动)。",
    )
    replay: "Replay | None" = option(
        None,
        parse=_load_replay,
        metavar="FOLDER",
        help="Answer recorded requests with the responses of this recording, each once, and all others by the rules. "
        "Starts with its state, unless --initial-state is given.",
        notes="See [record and replay](record.md).",
        chinese="用录制的响应回答录制过的请求，每个响应用一次，其他请求照常处理。没有 --initial-state 时，"
        "以录制的初始数据启动。见[录制与重放](record.zh-CN.md)。",
    )
    postpaid: tuple[str, ...] = option(
        (), metavar="USERID", help="Make this account postpaid.", chinese="该账号为后付费。"
    )
    account_profile: tuple[tuple[str, str], ...] = option(
        (),
        metavar="USERID:NAME",
        parse=_parse_account_profiles,
        help="Give this account one of the profiles in place of the first.",
        chinese="让该账号使用另一个品牌配置，而不是第一个。",
    )
    deny_queues: tuple[str, ...] = option(
        (),
        metavar="USERID",
        help="Do not let this account fetch reports or replies.",
        chinese="该账号不能获取状态报告和上行。",
    )

    def build_limits(self) -> Limits:
        """Return the limits of the store."""
        size = self.max_history_mib * _MEBIBYTE
        return Limits(self.max_messages, size, self.max_messages, size, self.max_requests, size, self.max_accounts)


_INHERITED: Final = len(fields(Options))
OPTIONS: Final[dict[str, OptionSpec]] = {
    field.name: replace(spec, flag=spec.flag or f"--{field.name.replace('_', '-')}")
    for field in (*fields(ServeOptions)[_INHERITED:], *fields(ServeOptions)[:_INHERITED])
    if (spec := field.metadata.get("option"))
}
"""Row of each option by the name of its field, in the order of `--help`: those of a process first."""
