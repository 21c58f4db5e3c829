"""Driver of sms10692-examine in Python, standard library only.

    sms10692-examine run -- python driver.py

Replace the client by calls of your own, and keep the driver below it.
"""

import hashlib
import http.client
import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

# ---- The client: replace this part by your own.

CHINA = timezone(timedelta(hours=8))


class SmsRefused(Exception):
    """The vendor refused the request; the text is its message."""


class SmsUnknown(Exception):
    """No answer, or none that can be read: nobody knows what the vendor did, so nothing is repeated."""


class SmsClient:
    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self.charset = "gbk" if settings["charset"] == "gb2312" else "utf-8"

    def send(self, mobiles: list[str], content: str, send_time: str | None, extno: str) -> dict[str, Any]:
        china_time = datetime.fromisoformat(send_time).astimezone(CHINA) if send_time else None
        root = self.call_sms_page(
            action="send",
            mobile=",".join(dict.fromkeys(mobiles)),  # a number given twice would be charged twice
            content=content,
            sendTime=f"{china_time:%Y-%m-%d %H:%M:%S}" if china_time else "",
            extno=extno,
        )
        if root.findtext("returnstatus") != "Success":
            raise SmsRefused(root.findtext("message"))
        return {
            "taskID": root.findtext("taskID"),
            "successCounts": number(root, "successCounts"),
            "remainpoint": number(root, "remainpoint"),
        }

    def overage(self) -> dict[str, Any]:
        root = self.call_sms_page(action="overage")
        if root.findtext("returnstatus") != "Sucess":  # the spelling of the vendor
            raise SmsRefused(root.findtext("message"))
        return {"overage": number(root, "overage"), "payinfo": root.findtext("payinfo") or ""}

    def checkkeyword(self, content: str) -> dict[str, Any]:
        message = self.call_sms_page(action="checkkeyword", content=content).findtext("message") or ""
        if message != "没有包含屏蔽词" and not message.startswith("包含"):
            raise SmsRefused(message)
        return {"forbidden": message != "没有包含屏蔽词"}

    def fetch(self, queue: str) -> list[dict[str, str]]:
        """Fetch items of the queue status or call; the vendor then forgets them."""
        root = self.post(f"{queue}Api.aspx", "utf-8", {"action": "query"})
        if (error := root.find("errorstatus")) is not None:
            raise SmsRefused(error.findtext("remark"))
        return [{child.tag: child.text or "" for child in box} for box in root.iter(f"{queue}box")]

    def call_sms_page(self, **fields: str) -> ET.Element:
        return self.post("smsGBK.aspx" if self.charset == "gbk" else "sms.aspx", self.charset, fields)

    def post(self, page: str, charset: str, fields: Mapping[str, str]) -> ET.Element:
        url, timeout = urlsplit(self.settings["url"]), self.settings["timeout"]
        try:
            body = urlencode({**self.credentials(), **fields}, encoding=charset, errors="strict")
        except UnicodeEncodeError as error:
            raise SmsRefused(f"{charset} has no such character: {error}") from error
        prefix = "/v2" if self.settings["authentication"] == "signed" else "/"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        deadline = time.monotonic() + 2 * timeout  # `timeout` limits each read only
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=timeout)
        try:
            connection.request("POST", prefix + page, body, headers)
            response, content = connection.getresponse(), b""
            while part := response.read1(65536):
                content += part
                if time.monotonic() > deadline:
                    raise SmsUnknown("the response is too slow")
        except (OSError, http.client.HTTPException) as error:
            raise SmsUnknown(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()
        if response.status != 200:
            raise SmsUnknown(f"HTTP {response.status}")
        return parse(content)

    def credentials(self) -> dict[str, str]:
        userid, account, password = (self.settings[name] for name in ("userid", "account", "password"))
        if self.settings["authentication"] != "signed":
            return {"userid": userid, "account": account, "password": password}
        now = datetime.now(CHINA) + timedelta(seconds=self.settings["clock_offset"])
        timestamp = f"{now:%Y%m%d%H%M%S}"
        sign = hashlib.md5(f"{account}{password}{timestamp}".encode()).hexdigest()
        return {"userid": userid, "timestamp": timestamp, "sign": sign}


def parse(content: bytes) -> ET.Element:
    """Parse a response. The parser of Python reads no GBK, so the text is decoded first, as the declaration says."""
    declaration = re.match(rb'(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding="([^"]*)"[^>]*\?>', content)
    charset = declaration[1].decode("ascii", "replace") if declaration else "utf-8"
    try:
        text = content.decode("gbk" if charset.lower() == "gb2312" else "utf-8-sig")
        root = ET.fromstring(text[text.index("?>") + 2 :] if declaration else text)
    except (ValueError, ET.ParseError) as error:
        raise SmsUnknown(f"the response is no XML: {error}") from error
    if root.tag != "returnsms":
        raise SmsUnknown(f"the response is <{root.tag}>, not <returnsms>")
    return root


def number(root: ET.Element, name: str) -> int:
    text = root.findtext(name) or "0"
    try:
        return int(text)
    except ValueError as error:
        raise SmsUnknown(f"{name} is {text}") from error


# ---- The driver: keep this part. An item is answered when it was processed.

STATUS = {"10": "delivered", "20": "failed"}


def work(client: SmsClient, request: Mapping[str, Any], answer: Callable[..., None]) -> dict[str, Any]:
    match request["operation"]:
        case "send":
            return client.send(request["mobiles"], request["content"], request["sendTime"], request["extno"])
        case "overage":
            return client.overage()
        case "checkkeyword":
            return client.checkkeyword(request["content"])
        case queue:
            for item in client.fetch(queue):
                if "status" in item:
                    item["status"] = STATUS.get(item["status"], item["status"])
                answer("item", **item)
            return {}


def main() -> None:
    client = None
    for line in sys.stdin:
        request = json.loads(line)

        def answer(kind: str, number: int = request["id"], **fields: Any) -> None:
            sys.stdout.write(json.dumps({"id": number, "answer": kind, **fields}) + "\n")
            sys.stdout.flush()

        if client is None or request["operation"] == "configure":
            client = SmsClient(request)
            operations = ["send", "overage", "checkkeyword", "status", "call"]
            answer("configured", client="Python http.client", operations=operations, claims=["clock"])
            continue
        try:
            result = work(client, request, answer)
        except SmsRefused as error:
            answer("refused", message=str(error))
        except SmsUnknown as error:
            answer("unknown", reason=str(error))
        else:
            answer("accepted", **result)


if __name__ == "__main__":
    main()
