"""The command `sms10692-mock explain`: findings about a request, without an emulator and without sending anything."""

import codecs
import sys
from typing import Final, cast

import click

from sms10692_mock.app.pasted_heads import read_pasted
from sms10692_mock.diagnosis.explain import Explanation, explain
from sms10692_mock.diagnosis.pasted import MAX_LENGTH, NotARequest
from sms10692_mock.diagnosis.translations import Language, translate
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account
from sms10692_mock.domain.clock import system_time
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.profiles import MANUAL
from sms10692_mock.profile_file import parse_profile
from sms10692_mock.streams import write_output

HAS_FINDINGS: Final = 1
"""Exit code if something is wrong with the request."""

_TEXTS: Final = {
    "refused": {"en": "The vendor would refuse it: {}", "zh": "厂商会拒绝这个请求：{}"},
    "accepted": {"en": "No refusal found.", "zh": "没有发现会被拒绝的原因。"},
    "unknown": {
        "en": "Not checked: the balance, and the settings, delivery rules and forbidden words of an account.",
        "zh": "没有检查：余额，以及账号的设置、投递规则和禁用词。",
    },
    "unchecked": {
        "en": "The credentials were not checked: give --account and --password.",
        "zh": "没有检查账号凭据：请给出 --account 和 --password。",
    },
    "expected": {
        "en": "Signed text: {}\nExpected sign: {}",
        "zh": "应签名的文本：{}\n应得的 sign：{}",
    },
    "ignored": {
        "en": "Further requests in the text that were not explained: {}. Paste one alone.",
        "zh": "文本中还有 {} 个请求没有解释：请单独粘贴其中一个。",
    },
    "label": {"en": "Request {}", "zh": "请求 {}"},
    "meant": {"en": "meant: {}", "zh": "应为：{}"},
}


@click.command("explain", context_settings={"max_content_width": 100})
@click.argument("request", required=False)
@click.option("--account", metavar="NAME", help="Name of the account of the request, to check its signature.")
@click.option("--password", help="Password of that account.", envvar="SMS10692_PASSWORD", show_envvar=True)
@click.option(
    "--profile",
    "brand",
    metavar="NAME|FILE",
    default=MANUAL.name,
    show_default=True,
    help="Profile whose rules count: manual, observed, or the TOML file of another brand.",
)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Language of findings.")
def explain_command(request: str | None, account: str | None, password: str | None, brand: str, lang: str) -> None:
    """Explain what is wrong with a request, without sending it.

    REQUEST is a URL, a form body, JSON, a command of curl, wget, HTTPie or PowerShell, a call of fetch, raw HTTP, a
    HAR entry or file, or a Postman collection; without it, standard input is read. Of a file, the requests to
    endpoints of the vendor are explained, the last 20 at most. The exit code is 1 if there are findings.
    """
    if (account is None) != (password is None):
        raise click.UsageError("--account and --password belong together")
    try:
        profile = parse_profile(brand)
    except OSError as error:
        raise click.BadParameter(f"cannot read {brand}: {error.strerror}", param_hint="--profile") from None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--profile") from None
    text = request if request is not None else _read_input()
    try:
        pasted = read_pasted(text)
    except NotARequest as error:
        raise click.BadParameter(error.describe(lang), param_hint="REQUEST") from None

    def find_account(userid: str) -> Account | None:
        if account is not None and password is not None:
            return Account(userid, account, password)
        return DEFAULT_ACCOUNT if userid == DEFAULT_ACCOUNT.userid else None

    language, has_findings = cast("Language", lang), False
    for each in (*pasted.further, pasted):
        explanation = explain(each, find_account, (), Keywords(), lambda _: system_time(), profile_of=lambda _: profile)
        has_findings = has_findings or bool(explanation.findings)
        title = _text("label", language).format(each.label) + "\n" if pasted.further else ""
        write_output(title + format_explanation(explanation, language))
    if pasted.ignored:
        write_output(_text("ignored", language).format(pasted.ignored) + "\n")
    if has_findings:
        sys.exit(HAS_FINDINGS)


def _read_input() -> str:
    """Read a text: bytes that are no UTF-8 stay as they are. Older PowerShells write UTF-16, with a byte order mark."""
    raw = sys.stdin.buffer.read(4 * MAX_LENGTH)
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace")
    return raw.decode("utf-8", "surrogateescape")


def format_explanation(explanation: Explanation, language: Language) -> str:
    """Format an explanation as lines of text."""
    operation = explanation.operation.name if explanation.operation else "?"
    lines = [f"{explanation.method} {explanation.path} {operation}"]
    if explanation.refusal:
        lines.append(_text("refused", language).format(explanation.refusal))
    elif not any(finding.kind in ("http", "signature", "password") for finding in explanation.findings):
        lines += [_text("accepted", language), _text("unknown", language)]
    for finding in explanation.findings:
        lines.append(f"{finding.code}: {translate(finding, language)}")
        if finding.meant:
            lines.append(f"  {_text('meant', language).format(finding.meant)}")
    if explanation.expected is not None:
        lines.append(_text("expected", language).format(*explanation.expected))
    if not explanation.is_signature_checked and explanation.operation is not None:
        lines.append(_text("unchecked", language))
    return "\n".join(lines) + "\n"


def _text(name: str, language: Language) -> str:
    return _TEXTS[name][language]
