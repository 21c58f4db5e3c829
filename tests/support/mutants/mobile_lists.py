"""Defects of mobile: other separators, numbers that are corrected, dropped or reordered (R5, R13)."""

import re
from collections.abc import Callable
from typing import Final

from sms10692_mock.domain.api_request import ApiRequest
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant
from support.mutants.stores import changing_sends


def _change_mobile(change: Callable[[str], str]) -> Defect:
    def changed(request: ApiRequest) -> ApiRequest:
        return request._replace(mobile=change(request.mobile))

    return Defect(api_request=changed)


def _change_each(change: Callable[[str], str]) -> Defect:
    return _change_mobile(lambda mobile: ",".join(map(change, mobile.split(","))))


def _change_list(change: Callable[[list[str]], list[str]]) -> Defect:
    return _change_mobile(lambda mobile: ",".join(change(mobile.split(","))))


def _separated_by(separator: str) -> Defect:
    return _change_mobile(lambda mobile: mobile.replace(separator, ","))


def _once(numbers: list[str]) -> list[str]:
    """Drop a number that follows itself."""
    return [number for index, number in enumerate(numbers) if index == 0 or number != numbers[index - 1]]


MOBILE_LISTS: Final = (
    *(
        Mutant(f"{name} separate numbers", _separated_by(separator), ("R5-lists",))
        for separator, name in ((";", "semicolons"), ("、", "enumeration commas"), ("|", "bars"), ("\n", "line feeds"))
    ),
    Mutant(
        "spaces separate numbers", _change_mobile(lambda mobile: re.sub(r"(?<=\d) +(?=\d)", ",", mobile)), ("R5-lists",)
    ),
    Mutant("spaces in a number are removed", _change_each(lambda number: number.replace(" ", "")), ("R5-lists",)),
    Mutant(
        "full-width spaces around a number are a part of the number",
        _change_mobile(lambda mobile: mobile.replace("\u3000", "x")),
        ("R5-lists",),
    ),
    Mutant(
        "no-break spaces around a number are a part of the number",
        _change_mobile(lambda mobile: mobile.replace("\u00a0", "x")),
        ("R5-lists",),
    ),
    Mutant(
        "a number of full-width spaces alone counts",
        _change_mobile(lambda mobile: re.sub("(^|,)\u3000+(?=,|$)", r"\1x", mobile)),
        ("R5-lists",),
    ),
    Mutant("hyphens in a number are removed", _change_each(lambda number: number.replace("-", "")), ("R5-lists",)),
    Mutant(
        "a country code is removed",
        _change_each(lambda number: re.sub(r"^\s*(\+86|0086|86)(?=1\d{10}\s*$)", "", number)),
        ("R5-lists",),
    ),
    Mutant(
        "full-width digits are digits",
        _change_each(lambda number: "".join(str(int(digit)) if digit.isdecimal() else digit for digit in number)),
        ("R5-lists",),
    ),
    Mutant(
        "a leading zero is removed", _change_each(lambda number: re.sub(r"^0(?=1\d{10}$)", "", number)), ("R5-lists",)
    ),
    Mutant(
        "numbers are cut to eleven digits",
        _change_each(lambda number: re.sub(r"^(\d{11})\d+$", r"\1", number)),
        ("R5-lists",),
    ),
    Mutant("numbers behind the thousandth are dropped", _change_list(lambda numbers: numbers[:1000]), ("R5-long",)),
    Mutant("a number that follows itself is dropped", _change_list(_once), ("R5-lists",)),
    Mutant("numbers are sorted", _change_list(sorted), ("R5-lists",)),
    Mutant(
        "a wrong number ends the list",
        _change_list(
            lambda numbers: next(
                (
                    numbers[: index + 1]
                    for index, number in enumerate(numbers)
                    if not re.fullmatch(r"\s*1\d{10}\s*|\s*", number)
                ),
                numbers,
            )
        ),
        ("R5-lists",),
    ),
    Mutant(
        "numbers like the reserved numbers are refused",
        _change_each(lambda number: "10000000008" if number == "10000000009" else number),
        ("R5-lists",),
    ),
    Mutant(
        "only numbers that begin with 13 to 19 are delivered",
        Defect(
            store=changing_sends(
                lambda send: send._replace(
                    reports=[
                        report._replace(status=20, errorcode="UNDELIV")
                        if re.match(r"1[0-2]\d{9}$", report.mobile)
                        else report
                        for report in send.reports
                    ]
                )
            )
        ),
        ("R5-lists",),
    ),
    Mutant(
        "wrong numbers beside right ones are free",
        Defect(
            store=changing_sends(
                lambda send: send._replace(
                    task=send.task._replace(
                        numbers=[number for number in send.task.numbers if re.fullmatch(r"1\d{10}", number)]
                        or send.task.numbers
                    )
                )
            )
        ),
        ("R5-lists",),
    ),
    Mutant(
        "carriage returns before a comma belong to the number",
        _change_each(lambda number: re.sub("\r$", "x", number)),
        ("R5-lists",),
    ),
)
