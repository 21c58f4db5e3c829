"""Defects of spelling: texts and element names that differ from the vendor's, including "corrected" misspellings."""

import re
from typing import Final

from sms10692_mock.domain.results import QueriedBalance
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant, replacing_text

_SENT, _FOUND, _REPORTS = "successCounts>", "sendTotal>", "statusbox>"


SPELLING: Final = (
    Mutant("Sucess corrected", replacing_text("Sucess", "Success"), ("2.3-found",)),
    Mutant("Sucess in lower case", replacing_text("Sucess", "sucess"), ("2.3-found",)),
    Mutant("Success misspelt", replacing_text("Success<", "Sucess<"), ("1.3-ok",)),
    Mutant(
        "Faild corrected in send", replacing_text("Faild", "Failed", _SENT), ("1.3-credentials-wrong", "1.3-forbidden")
    ),
    Mutant(
        "Faild corrected in overage",
        replacing_text("Faild", "Failed", _FOUND),
        ("2.3-credentials-wrong", "2.3-credentials-empty"),
    ),
    Mutant("Faild in lower case", replacing_text("Faild", "faild"), ("1.3-credentials-wrong", "2.3-credentials-wrong")),
    Mutant("ok in upper case", replacing_text(">ok<", ">OK<"), ("1.3-ok",)),
    Mutant("overage with a message", replacing_text("<message></message>", "<message>ok</message>"), ("2.3-found",)),
    Mutant("no colon in a refused send", replacing_text("字符：", "字符"), ("1.3-forbidden",)),
    Mutant("a half-width colon in a refused send", replacing_text("字符：", "字符:"), ("1.3-forbidden",)),
    Mutant("a colon in checkkeyword", replacing_text("非法字符<", "非法字符：<"), ("3.3-forbidden",)),
    Mutant(
        "the forbidden word appended to the message", replacing_text("字符：", "字符：发票"), ("R8-nothing-behind",)
    ),
    Mutant("没有包含屏蔽词 misspelt", replacing_text("屏蔽词", "敏感词"), ("3.3-nothing-forbidden",)),
    Mutant("prepaid misspelt", replacing_text("预付费", "预付"), ("2.3-found", "2.3-payinfo")),
    Mutant(
        "pre- and postpaid exchanged",
        Defect(
            result=lambda request, result: (
                result._replace(payinfo={"预付费": "后付费", "后付费": "预付费"}[result.payinfo])
                if isinstance(result, QueriedBalance)
                else result
            )
        ),
        ("2.3-payinfo",),
    ),
    Mutant("sql in upper case", replacing_text("sql注入", "SQL注入"), ("1.3-sql",)),
    Mutant(
        "a half-width comma in the message about the balance", replacing_text("对不起，", "对不起,"), ("1.3-balance",)
    ),
    Mutant("taskID spelt taskid", replacing_text("taskID", "taskid", _SENT), ("1.3-ok", "1.3-credentials-wrong")),
    Mutant("taskid spelt taskID", replacing_text("taskid>", "taskID>", _REPORTS), ("4.3-layout",)),
    Mutant("errorstatus spelt errorStatus", replacing_text("errorstatus", "errorStatus"), ("4.4-1", "5.4-1")),
    Mutant("remark spelt message", replacing_text("remark>", "message>"), ("4.4-1", "4.4-2")),
    Mutant(
        "error numbers begin at zero",
        Defect(text=lambda text, request: re.sub(r"<error>(\d)<", lambda found: f"<error>{int(found[1]) - 1}<", text)),
        ("4.4-1", "4.4-2", "5.4-1"),
    ),
    Mutant("DELIVRD corrected", replacing_text("DELIVRD", "DELIVERED"), ("R13-outcomes",)),
)
