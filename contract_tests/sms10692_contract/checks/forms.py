"""Checks of request forms: every operation reads every parameter in every form (Q1 to Q11, Q17, R14, R16).

The forms are in `request_forms`, the operations in `operation_trials`. Each clause has the forms of one kind, the last
one any combination of all kinds.
"""

from collections.abc import Mapping
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks import request_forms
from sms10692_contract.checks.operation_trials import (
    OPERATION,
    OPERATIONS,
    REPLYING_NUMBER,
    VALUES,
    TrialValues,
    prepare_trial,
)
from sms10692_contract.checks.registry import Check, checks
from sms10692_contract.checks.request_forms import MultipartStyle, RequestForm, change_case
from sms10692_contract.checks.strategies import SEND_ENDPOINT
from sms10692_contract.expectations import expect, expect_keyword, expect_message, expect_sent, get_message
from sms10692_contract.expected import (
    FORBIDDEN_CONTENT,
    INVALID_PARAMETER,
    OTHER_ERROR,
    WRONG_CREDENTIALS,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import STATUS, UTF8, ChunkStyle, build_request

NAMES: Final = ("mobile", "content", "sendTime", "extno", "statusNum")
"""Parameters that an operation can have besides its credentials and its action."""

FORMS: Final[Mapping[str, tuple[tuple[RequestForm, ...], st.SearchStrategy[RequestForm]]]] = {
    "F-names": ((RequestForm(upper=(True,)), RequestForm(upper=(False,))), request_forms.NAME_CASES),
    "F-order": ((RequestForm(order=tuple(range(9, 0, -1))), RequestForm(order=(2, 9, 1, 5))), request_forms.ORDERS),
    "F-places": (
        (
            RequestForm(method="GET"),
            RequestForm(in_query=(True,), is_shadowed=True),
            RequestForm(in_query=(True, False)),
        ),
        request_forms.PLACES,
    ),
    "F-escapes": (
        (
            RequestForm(spellings=("raw",)),
            RequestForm(spellings=("raw",), method="GET"),
            RequestForm(spellings=("full", "unicode"), name_spellings=("full",)),
            RequestForm(spellings=("plus", "lower"), in_query=(True,)),
        ),
        request_forms.SPELLED,
    ),
    "F-multipart": (
        (
            RequestForm(multipart=MultipartStyle(is_boundary_quoted=True), upper=(True,)),
            RequestForm(multipart=MultipartStyle(header_lines=("Content-Type: text/plain",))),
            *(
                RequestForm(multipart=MultipartStyle(header_lines=(f"Content-Type: text/plain; charset={charset}",)))
                for charset in request_forms.PART_CHARSETS
            ),
            RequestForm(multipart=MultipartStyle(are_names_quoted=False, are_header_names_lower=True)),
        ),
        request_forms.MULTIPART,
    ),
    "F-beside": (
        (
            RequestForm(extra=tuple((f"{name}[]", "0", 0) for name in NAMES), strays=(("extno", 0), ("", 3))),
            RequestForm(extra=tuple((f"x{name}", "0", 9) for name in NAMES), method="GET"),
            RequestForm(extra=(("account", "x", 0), ("password", "y", 1))),
        ),
        request_forms.BESIDE,
    ),
    "F-long": (
        (
            RequestForm(extra=(("padding", "x" * 9000, 0),)),
            RequestForm(extra=(("padding", "x" * 70_000, 0),)),
            RequestForm(extra=(("padding", "x" * 4200, 0),), method="GET"),
        ),
        request_forms.LONG,
    ),
    "F-framing": (
        (
            RequestForm(chunk_size=2),
            RequestForm(chunk_size=2, spellings=("raw",)),
            RequestForm(chunk_size=10**6, extra=(("padding", "x" * 70_000, 0),)),
            RequestForm(chunk_size=29, chunk_style=ChunkStyle(True, ";a=b", ("X-Checksum: 0",))),
            RequestForm(protocol="HTTP/1.0"),
        ),
        request_forms.FRAMED,
    ),
    "F-headers": (
        (
            RequestForm(headers=(("Accept", "application/json"), ("Cookie", "action=overage; sign=0; extno=9"))),
            RequestForm(header_upper=(False,)),
            RequestForm(header_upper=(True,), multipart=MultipartStyle()),
            RequestForm(header_upper=(False,), multipart=MultipartStyle(), chunk_size=50),
            RequestForm(origin="http://sms10692.com", in_query=(False, True)),
            RequestForm(headers=(("Range", "bytes=0-9"), ("If-None-Match", "*")), content_type="text/xml; charset=gbk"),
        ),
        request_forms.HEADED,
    ),
    "F-any": (
        (
            RequestForm(upper=(True, False), in_query=(False, True), spellings=("raw", "unicode"), chunk_size=5),
            RequestForm(method="GET", upper=(True,), spellings=("plus", "lower"), strays=(("x", 1),), slashes=2),
            RequestForm(
                multipart=MultipartStyle("=_a.b:c/d?e", is_boundary_quoted=True),
                in_query=(True, False, False),
                is_shadowed=True,
                order=(3, 1, 2),
                chunk_size=11,
            ),
        ),
        request_forms.ANY_FORM,
    ),
}
"""By clause: forms that are tried with every operation, and a strategy for more of the same kind."""

EVERY_PARAMETER: Final = TrialValues(
    content=" a=b&c;d?e/f:g@h,i$j!k*l(m)n~o^p`q|r[s]t{u}v\\w 内容%2541+<b>\r\n第二行\n第三行 ",
    mobiles=("13000000001", REPLYING_NUMBER, "13000000002"),
    extno="0123",
    hours=3,
    limit=2,
)
"""Values with which a parameter that is not read has an effect."""


EMPTY_PARAMETERS: Final = TrialValues(limit=0, omits_empty=False)
"""Values with which the optional parameters are empty."""


FORBIDDEN_TEXT: Final = TrialValues(is_forbidden=True)
"""Values whose text is read in full only in the right charset."""

_SENDS: Final = ("send", "send on the GBK endpoint")
FURTHER_VALUES: Final[Mapping[str, tuple[TrialValues, tuple[str, ...]]]] = {
    "F-order": (EMPTY_PARAMETERS, (*_SENDS, "status")),
    "F-places": (EMPTY_PARAMETERS, (*_SENDS, "status")),
    "F-multipart": (FORBIDDEN_TEXT, _SENDS),
}
"""By clause: values that some operations are tried with too."""


def _make_check(clause: str, fixed: tuple[RequestForm, ...], generated: st.SearchStrategy[RequestForm]) -> Check:
    further, operations = FURTHER_VALUES.get(clause, (EVERY_PARAMETER, ()))

    def check(context: CheckContext) -> None:
        def check_read(operation: str, values: TrialValues, form: RequestForm) -> None:
            trial = prepare_trial(context, operation, values)
            trial.verify(context.exchange(form.build(trial.endpoint, trial.pairs)))

        for operation in OPERATIONS:
            for form in fixed:
                check_read(operation, EVERY_PARAMETER, form)
                if operation in operations:
                    check_read(operation, further, form)
        context.for_all(check_read, OPERATION, VALUES, generated, examples=context.few_examples)

    return check


for _clause, (_fixed, _generated) in FORMS.items():
    checks(_clause)(_make_check(_clause, _fixed, _generated))


@checks("F-repeated")
def _repeated_values_are_joined_whatever_the_parameter(context: CheckContext) -> None:
    """Check each parameter, twice in the query string, the form or a multipart body, with names in any case."""

    def check_joined(endpoint: str, name: str, form: RequestForm, upper: tuple[bool, ...]) -> None:
        account = context.create_account()
        content = ("内容", context.forbidden_word) if name == "content" else ("内容",)
        fields: dict[str, tuple[str, ...]] = {
            "action": ("send",),
            "mobile": ("13000000001",),
            "content": content,
            "extno": ("1",),
        }
        fields |= {key: (value,) for key, value in account.build_credentials().items()}
        if name != "content":
            fields[name] = fields.get(name, ("1",)) * 2
        # The repeated name is once as in the manual and once in another case.
        pairs = [
            (change_case(key, upper) if n else key, value)
            for key, values in fields.items()
            for n, value in enumerate(values)
        ]
        response = context.exchange(form.build(endpoint, pairs))
        if name == "mobile":
            expect_sent(response, 2)
        elif name == "content":
            expect(get_message(response).startswith(FORBIDDEN_CONTENT), response, f"the message {FORBIDDEN_CONTENT!r}")
        else:
            credentials = ("userid", "timestamp", "sign")
            expect_message(response, WRONG_CREDENTIALS if name in credentials else OTHER_ERROR)

    forms = (RequestForm(), RequestForm(in_query=(True,)), RequestForm(multipart=MultipartStyle()))
    names = ("mobile", "content", "extno", "sendTime", "action", "userid", "timestamp", "sign")
    for name in names:
        for form in forms:
            check_joined(UTF8, name, form, ())
    flags = st.lists(st.booleans(), min_size=1, max_size=4).map(tuple)
    context.for_all(check_joined, SEND_ENDPOINT, st.sampled_from(names), st.sampled_from(forms), flags)
    account = context.create_account()
    pairs = [*account.build_credentials().items(), ("action", "query"), ("statusNum", "1"), ("statusnum", "1")]
    expect_message(context.exchange(build_request(STATUS, body=pairs)), INVALID_PARAMETER)
    pairs = [*account.build_credentials().items(), ("action", "checkkeyword")]
    pairs += [("content", "内容"), ("Content", context.forbidden_word)]
    expect_keyword(context.exchange(build_request(UTF8, body=pairs)), is_found=True)
