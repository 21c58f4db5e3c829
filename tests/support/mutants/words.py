"""Words misspelt, or corrected.

Here belongs the text inside elements and the names of elements. Where elements stand is in `layout`.
"""

import re
from typing import Final

from sms10692_mock.domain.results import Balance
from support.mutant_vendor import Fault
from support.mutants.mutant import Broken, says

_SENT, _FOUND, _REPORTS = "successCounts>", "sendTotal>", "statusbox>"


WORDS: Final = (
    Broken("Sucess corrected", says("Sucess", "Success"), ("2.3-found",)),
    Broken("Sucess in lower case", says("Sucess", "sucess"), ("2.3-found",)),
    Broken("Success misspelt", says("Success<", "Sucess<"), ("1.3-ok",)),
    Broken("Faild corrected in send", says("Faild", "Failed", _SENT), ("1.3-credentials-wrong", "1.3-forbidden")),
    Broken(
        "Faild corrected in overage",
        says("Faild", "Failed", _FOUND),
        ("2.3-credentials-wrong", "2.3-credentials-empty"),
    ),
    Broken("Faild in lower case", says("Faild", "faild"), ("1.3-credentials-wrong", "2.3-credentials-wrong")),
    Broken("ok in upper case", says(">ok<", ">OK<"), ("1.3-ok",)),
    Broken("a message where overage has none", says("<message></message>", "<message>ok</message>"), ("2.3-found",)),
    Broken("the colon forgotten in send", says("字符：", "字符"), ("1.3-forbidden",)),
    Broken("the colon half-width", says("字符：", "字符:"), ("1.3-forbidden",)),
    Broken("a colon in checkkeyword", says("非法字符<", "非法字符：<"), ("3.3-forbidden",)),
    Broken("the word appended", says("字符：", "字符：发票"), ("1.3-forbidden",)),
    Broken("没有包含屏蔽词 misspelt", says("屏蔽词", "敏感词"), ("3.3-nothing-forbidden",)),
    Broken("prepaid misspelt", says("预付费", "预付"), ("2.3-found", "2.3-payinfo")),
    Broken(
        "pre- and postpaid exchanged",
        Fault(
            answer=lambda call, one: (
                one._replace(payinfo={"预付费": "后付费", "后付费": "预付费"}[one.payinfo])
                if isinstance(one, Balance)
                else one
            )
        ),
        ("2.3-payinfo",),
    ),
    Broken("sql in upper case", says("sql注入", "SQL注入"), ("1.3-sql",)),
    Broken("the comma of the balance half-width", says("对不起，", "对不起,"), ("1.3-balance",)),
    Broken("taskID spelt taskid", says("taskID", "taskid", _SENT), ("1.3-ok", "1.3-credentials-wrong")),
    Broken("taskid spelt taskID", says("taskid>", "taskID>", _REPORTS), ("4.3-layout",)),
    Broken("errorstatus spelt errorStatus", says("errorstatus", "errorStatus"), ("4.4-1", "5.4-1")),
    Broken("remark spelt message", says("remark>", "message>"), ("4.4-1", "4.4-2")),
    Broken(
        "the errors from zero",
        Fault(text=lambda text, call: re.sub(r"<error>(\d)<", lambda found: f"<error>{int(found[1]) - 1}<", text)),
        ("4.4-1", "4.4-2", "5.4-1"),
    ),
    Broken("DELIVRD corrected", says("DELIVRD", "DELIVERED"), ("4.3-status",)),
)
