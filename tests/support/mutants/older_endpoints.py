"""Defects of the older endpoints, which take userid, account and password in clear (R19, R20)."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

from sms10692 import protocol, signing
from sms10692.protocol import Endpoint
from sms10692_mock.app.vendor_app import VendorRequest
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.results import (
    AcceptedSend,
    ChangedPassword,
    QueriedBalance,
    Refusal,
    RepliesResult,
    ReportsResult,
    Result,
)
from sms10692_mock.domain.validation import Check, Rule, ValidationContext
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.server.http_types import Response
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant

_WRONG: Final = Evidence("credentials-wrong")
_Condition: TypeAlias = Callable[[ValidationContext], bool]


def _is_older(request: ApiRequest) -> bool:
    return request.endpoint.authentication is protocol.PASSWORD


def _checking(messages: tuple[str, ...], change: Callable[[ValidationContext, Check], Evidence | None]) -> Defect:
    """Change the checks with these messages, at all endpoints. `change` gets the check that it replaces."""

    def replace_rule(rule: Rule) -> Rule:
        message, find = rule
        return (message, lambda context: change(context, find)) if message in messages else rule

    return Defect(rules=lambda rules: tuple(map(replace_rule, rules)))


def _accepting(message: str, is_accepted: _Condition) -> Defect:
    """Refuse fewer requests to the older endpoints with this message."""
    return _checking(
        (message,),
        lambda context, find: None if _is_older(context.request) and is_accepted(context) else find(context),
    )


def _refusing(message: str, is_refused: _Condition) -> Defect:
    """Refuse more requests with this message."""
    return _checking((message,), lambda context, find: _WRONG if is_refused(context) else find(context))


def _comparing(is_equal: Callable[[str, str], bool]) -> Defect:
    """Compare name and password in another way."""

    def check(context: ValidationContext, find: Check) -> Evidence | None:
        account, (_, name, password) = context.account, context.request.credentials
        if account is None or not _is_older(context.request):
            return find(context)
        return None if is_equal(name, account.account) and is_equal(password, account.password) else _WRONG

    return _checking((protocol.CREDENTIALS_WRONG,), check)


def _is_right(context: ValidationContext, name: str) -> bool:
    """Whether this field of the request is that of the account."""
    return context.account is not None and context.request.fields.get(name) == getattr(context.account, name)


def _is_signed(context: ValidationContext) -> bool:
    fields, account = context.request.fields, context.account
    if account is None:
        return False
    return fields.get("sign") == signing.sign(account.account, account.password, fields.get("timestamp", ""))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def _signing_with_first_password() -> Defect:
    """A new password applies to the older endpoints only."""
    first: dict[str, str] = {}

    def check(context: ValidationContext, find: Check) -> Evidence | None:
        account = context.account
        if account is not None:
            password = first.setdefault(account.userid, account.password)
            if not _is_older(context.request):
                context = context._replace(account=replace(account, password=password))
        return find(context)

    return _checking((protocol.CREDENTIALS_WRONG,), check)


def _changing_http(change: Callable[[VendorRequest], VendorRequest], *endpoints: Endpoint) -> Defect:
    """Change the HTTP requests to these endpoints."""
    return Defect(http_request=lambda endpoint, request: change(request) if endpoint in endpoints else request)


def _read_utf8(request: VendorRequest) -> VendorRequest:
    """Read a form in UTF-8 if it is that: the percent escapes of each character become those of GBK."""

    def change_escapes(match: re.Match[bytes]) -> bytes:
        raw = bytes.fromhex(match[0].replace(b"%", b"").decode())
        try:
            return b"".join(b"%%%02X" % byte for byte in raw.decode("utf-8").encode("gbk"))
        except UnicodeError:
            return match[0]

    return request._replace(body=re.sub(rb"(?:%[0-9A-F]{2})+", change_escapes, request.body))


def _changing_request(change: Callable[[ApiRequest], ApiRequest]) -> Defect:
    return Defect(api_request=lambda request: change(request) if _is_older(request) else request)


def _setting_check_content(choose: Callable[[str], str]) -> Defect:
    def change(request: ApiRequest) -> ApiRequest:
        value = choose(request.fields.get("checkcontent", ""))
        return request._replace(fields={**request.fields, "checkcontent": value})

    return _changing_request(change)


def _changing_result(change: Callable[[ApiRequest, Result], Result]) -> Defect:
    return Defect(result=lambda request, result: change(request, result) if _is_older(request) else result)


def _changing_send(change: Callable[[ApiRequest, AcceptedSend], Result]) -> Defect:
    return _changing_result(lambda request, sent: change(request, sent) if isinstance(sent, AcceptedSend) else sent)


def _refusing_send(is_refused: Callable[[ApiRequest, AcceptedSend], bool]) -> Defect:
    refusal = Refusal(protocol.OTHER_ERROR, _WRONG)
    return _changing_send(lambda request, sent: refusal if is_refused(request, sent) else sent)


def _changing_text(change: Callable[[str], str]) -> Defect:
    return Defect(text=lambda text, request: change(text) if _is_older(request) else text)


def _quote_numbers(request: ApiRequest, response: Response) -> Response:
    if not (_is_older(request) and request.wants_json):
        return response
    document = json.loads(response.body)
    quoted = {name: str(value) if isinstance(value, int) else value for name, value in document.items()}
    return response._replace(body=json.dumps(quoted).encode())


def _repeating_items() -> Defect:
    """The older queue endpoints return once more what was fetched last."""
    last: dict[tuple[str, str], Result] = {}

    def change(request: ApiRequest, result: Result) -> Result:
        if not isinstance(result, ReportsResult | RepliesResult):
            return result
        key = request.userid, type(result).__name__
        if result.items:
            last[key] = result
            return result
        return last.pop(key, result) if _is_older(request) else result

    return Defect(result=change)


class _ChangesNothing(Vendor):
    def change_password(self, account: Account, password: str) -> ChangedPassword | Refusal:
        return ChangedPassword()


def _changing_new_passwords(change: Callable[[str], str]) -> Defect:
    """Store a changed password in place of the new one."""

    class ChangesPasswords(Vendor):
        def change_password(self, account: Account, password: str) -> ChangedPassword | Refusal:
            return super().change_password(account, change(password))

    return Defect(vendor=ChangesPasswords)


def _changing_password_text(old: str, new: str) -> Defect:
    return Defect(
        text=lambda text, request: text.replace(old, new) if request.operation is protocol.CHANGESPWD else text
    )


def _accepting_new_password(is_accepted: Callable[[str, str], bool]) -> Defect:
    return _checking(
        (protocol.OTHER_ERROR,),
        lambda context, find: (
            None
            if context.request.operation is protocol.CHANGESPWD and is_accepted(*context.request.new_passwords)
            else find(context)
        ),
    )


_BOTH_CREDENTIALS: Final = (protocol.CREDENTIALS_EMPTY, protocol.CREDENTIALS_WRONG)

OLDER_ENDPOINTS: Final = (
    Mutant(
        "older endpoints: the MD5 of the password is demanded",
        _comparing(lambda given, own: given == _md5(own)),
        ("E-credentials", "E-same"),
    ),
    Mutant(
        "older endpoints: characters that are not ASCII make name and password wrong",
        _comparing(lambda given, own: given.isascii() and given == own),
        ("E-credentials", "E-charset"),
    ),
    Mutant(
        "older endpoints: a signature is demanded besides",
        _refusing(
            protocol.CREDENTIALS_EMPTY,
            lambda context: _is_older(context.request) and "sign" not in context.request.fields,
        ),
        ("E-credentials",),
    ),
    Mutant(
        "older endpoints: an empty password is a wrong one",
        _accepting(protocol.CREDENTIALS_EMPTY, lambda context: not context.request.credentials[2]),
        ("E-credentials-empty", "E-same"),
    ),
    Mutant(
        "older endpoints: the account is found by its userid alone",
        _checking(
            _BOTH_CREDENTIALS,
            lambda context, find: (
                None if _is_right(context, "password") and _is_older(context.request) else find(context)
            ),
        ),
        ("E-credentials-empty", "E-credentials-wrong", "E-exact"),
    ),
    Mutant(
        "older endpoints: a signature is accepted in place of the password",
        _checking(_BOTH_CREDENTIALS, lambda context, find: None if _is_signed(context) else find(context)),
        ("E-credentials-empty", "E-both"),
    ),
    Mutant(
        "older endpoints: the password is not compared",
        _accepting(protocol.CREDENTIALS_WRONG, lambda context: _is_right(context, "account")),
        ("E-credentials-wrong", "E-exact", "E-same"),
    ),
    Mutant(
        "older endpoints: replies are fetched with any password",
        _accepting(
            protocol.CREDENTIALS_WRONG,
            lambda context: context.request.endpoint is protocol.CALL_API and _is_right(context, "account"),
        ),
        ("E-credentials-wrong",),
    ),
    Mutant(
        "older endpoints: name and password are compared without case",
        _comparing(lambda given, own: given.lower() == own.lower()),
        ("E-exact",),
    ),
    Mutant(
        "older endpoints: white space around name and password is ignored",
        _comparing(lambda given, own: given.strip() == own),
        ("E-exact",),
    ),
    Mutant(
        "older endpoints: the first eight characters of name and password are compared",
        _comparing(lambda given, own: given[:8] == own[:8]),
        ("E-exact",),
    ),
    Mutant(
        "older endpoints: the MD5 of the password is accepted too",
        _comparing(lambda given, own: given in (own, _md5(own))),
        ("E-exact",),
    ),
    Mutant(
        "older endpoints: the GBK endpoint reads UTF-8 too",
        _changing_http(_read_utf8, protocol.SMS_GBK),
        ("E-charset",),
    ),
    Mutant(
        "older endpoints: a wrong signature besides is refused",
        _refusing(
            protocol.CREDENTIALS_WRONG,
            lambda context: _is_older(context.request) and "sign" in context.request.fields and not _is_signed(context),
        ),
        ("E-both",),
    ),
    Mutant(
        "signed endpoints: a wrong password besides is refused",
        _refusing(
            protocol.CREDENTIALS_WRONG,
            lambda context: "password" in context.request.fields and not _is_right(context, "password"),
        ),
        ("E-both",),
    ),
    Mutant(
        "older endpoints: a query string is ignored if there is a form",
        _changing_http(
            lambda request: request._replace(query=b"") if request.body else request, protocol.SMS, protocol.STATUS_API
        ),
        ("E-forms", "E-same"),
    ),
    Mutant(
        "older endpoints: multipart bodies are not read",
        _changing_http(
            lambda request: request._replace(body=b"") if "multipart" in request.content_type else request,
            *protocol.ENDPOINTS[4:],
        ),
        ("E-forms", "E-same"),
    ),
    Mutant(
        "older endpoints: statusNum is ignored",
        _changing_request(lambda request: request._replace(status_num="")),
        ("E-forms", "E-same"),
    ),
    Mutant(
        "older endpoints: every text is checked for words",
        _setting_check_content(lambda value: "1"),
        ("E-checkContent",),
    ),
    Mutant(
        "older endpoints: no text is checked for words",
        _setting_check_content(lambda value: "0"),
        ("E-checkContent", "E-same"),
    ),
    Mutant(
        "older endpoints: checkContent=0 checks too",
        _setting_check_content(lambda value: "1" if value else ""),
        ("E-checkContent",),
    ),
    Mutant(
        "older endpoints: a wrong countNumber is refused",
        _refusing_send(lambda request, sent: request.fields.get("countnumber") not in (None, str(sent.success_counts))),
        ("E-counts",),
    ),
    Mutant(
        "older endpoints: a taskName of more than 100 characters is refused",
        _refusing_send(lambda request, sent: len(request.fields.get("taskname", "")) > 100),
        ("E-counts",),
    ),
    Mutant(
        "older endpoints: mobileNumber is the count of a send",
        _changing_send(
            lambda request, sent: sent._replace(
                success_counts=int(request.fields.get("mobilenumber") or sent.success_counts)
            )
        ),
        ("E-counts",),
    ),
    Mutant(
        "older endpoints: rt=json is ignored",
        _changing_request(lambda request: request._replace(wants_json=False)),
        ("E-json", "E-same"),
    ),
    Mutant("older endpoints: numbers in JSON are texts", Defect(response=_quote_numbers), ("E-json", "E-same")),
    Mutant(
        "older endpoints: the texts of other errors are those of another brand",
        _changing_text(lambda text: text.replace(protocol.OTHER_ERROR, "参数错误")),
        ("E-same",),
    ),
    Mutant(
        "older endpoints: items have no extno",
        _changing_text(lambda text: re.sub("\n <extno>[^<]*</extno>", "", text)),
        ("E-same",),
    ),
    Mutant(
        "older endpoints: the line end is that of another system",
        _changing_text(lambda text: text.replace("\n", "\r\n")),
        ("E-same",),
    ),
    Mutant(
        "older endpoints: the balance is the credit",
        _changing_result(
            lambda request, result: (
                result._replace(overage=result.send_total) if isinstance(result, QueriedBalance) else result
            )
        ),
        ("E-shared", "E-same"),
    ),
    Mutant(
        "older endpoints: task numbers are in a range of their own",
        _changing_send(lambda request, sent: sent._replace(task_id=sent.task_id + 1_000_000)),
        ("E-shared", "E-same"),
    ),
    Mutant("older endpoints: fetched items are returned once more", _repeating_items(), ("E-shared", "E-same")),
    Mutant("changespwd changes nothing", Defect(vendor=_ChangesNothing), ("E-password",)),
    Mutant("changespwd removes spaces", _changing_new_passwords(lambda text: text.replace(" ", "")), ("E-password",)),
    Mutant("changespwd trims the new password", _changing_new_passwords(str.strip), ("E-password",)),
    Mutant("changespwd trims the end of the new password", _changing_new_passwords(str.rstrip), ("E-password",)),
    Mutant("changespwd trims tabs", _changing_new_passwords(lambda text: text.strip("\t")), ("E-password",)),
    Mutant("changespwd changes no signature", _signing_with_first_password(), ("E-password",)),
    Mutant(
        "changespwd answers in its own words",
        _changing_password_text("<message>ok</message>", "<message>修改成功</message>"),
        ("E-password",),
    ),
    Mutant(
        "changespwd does not compare the repetition",
        _accepting_new_password(lambda password, again: bool(password.strip())),
        ("E-password-refused",),
    ),
    Mutant(
        "changespwd accepts a blank password",
        _accepting_new_password(lambda password, again: password == again),
        ("E-password-refused",),
    ),
    Mutant(
        "changespwd says Success to refusals",
        _changing_password_text("Faild", "Success"),
        ("E-password-refused",),
    ),
)
