"""A careful client of the standard library, and its driver. The tests change one line of it at a time."""

import hashlib
import http.client
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

CHINA = timezone(timedelta(hours=8))
BATCH = 1000
LOSSES = (OSError, http.client.HTTPException, ET.ParseError, ValueError)


class Refused(Exception):
    """The vendor refused the request."""


class Unknown(Exception):
    """Nobody knows what the vendor did."""


class Client:
    """The client, whose driver is below."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.url = urlsplit(settings["url"])
        self.signed = settings["authentication"] == "signed"
        self.charset = "gbk" if settings["charset"] == "gb2312" else "utf-8"
        self.userid, self.account, self.password = settings["userid"], settings["account"], settings["password"]
        self.timeout, self.offset = settings["timeout"], settings.get("clock_offset", 0)
        self.state = Path(settings["state_dir"])

    def credentials(self) -> dict[str, str]:
        if not self.signed:
            return {"userid": self.userid, "account": self.account, "password": self.password}
        timestamp = (datetime.now(CHINA) + timedelta(seconds=self.offset)).strftime("%Y%m%d%H%M%S")
        sign = hashlib.md5((self.account + self.password + timestamp).encode("utf-8")).hexdigest()
        return {"userid": self.userid, "timestamp": timestamp, "sign": sign}

    def page(self, name: str) -> str:
        gbk = "GBK" if name == "sms" and self.charset == "gbk" else ""
        return f"/{'v2' if self.signed else ''}{name}{gbk}.aspx"

    def post(self, name: str, fields: Mapping[str, str], charset: str = "") -> bytes:
        body = urlencode({**self.credentials(), **fields}, encoding=charset or self.charset).encode("ascii")
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        deadline = time.monotonic() + 2 * self.timeout
        connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=self.timeout)
        try:
            connection.request("POST", self.page(name), body, headers)
            response = connection.getresponse()
            content = b""
            while part := response.read1(65536):
                content += part
                if time.monotonic() > deadline:
                    raise TimeoutError("the answer is too slow")
            if response.length:
                raise Unknown("the answer is cut")
            if response.status != 200:
                raise Unknown(f"HTTP {response.status}")
            return content
        except LOSSES as error:
            raise Unknown(str(error)) from error
        finally:
            connection.close()

    def parse(self, content: bytes) -> ET.Element:
        try:
            if content.startswith(b"\xef\xbb\xbf"):
                content = content[3:]
            text = content.decode("gbk" if b"gb2312" in content[:60] else "utf-8")
            root = ET.fromstring(text[text.index("?>") + 2 :] if text.startswith("<?xml") else text)
        except LOSSES as error:
            raise Unknown(f"not the vendor's XML: {error}") from error
        if root.tag != "returnsms":
            raise Unknown("not the vendor's XML")
        return root

    def send(self, mobiles: Sequence[str], content: str, send_time: str | None, extno: str) -> dict[str, Any]:
        mobiles = list(dict.fromkeys(mobiles))
        try:
            content.encode(self.charset)
        except UnicodeEncodeError as error:
            raise Refused(str(error)) from error
        time_text = ""
        if send_time:
            time_text = datetime.fromisoformat(send_time).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
        task, count, points = "", 0, 0
        for start in range(0, len(mobiles), BATCH):
            batch = mobiles[start : start + BATCH]
            fields = {"action": "send", "mobile": ",".join(batch), "content": content}
            root = self.parse(self.post("sms", {**fields, "sendTime": time_text, "extno": extno}))
            if root.find("returnstatus") is None:
                raise Unknown("no returnstatus")
            if root.findtext("returnstatus") != "Success":
                raise Refused(root.findtext("message"))
            task = task or root.findtext("taskID", "")
            count += int(root.findtext("successCounts", "0"))
            points = int(root.findtext("remainpoint", "0"))
        return {"taskID": task, "successCounts": count, "remainpoint": points}

    def overage(self) -> dict[str, Any]:
        root = self.parse(self.post("sms", {"action": "overage"}))
        if root.findtext("returnstatus") != "Sucess":
            raise Refused(root.findtext("message") or "")
        return {"overage": int(root.findtext("overage", "0")), "payinfo": root.findtext("payinfo") or ""}

    def checkkeyword(self, content: str) -> dict[str, Any]:
        root = self.parse(self.post("sms", {"action": "checkkeyword", "content": content}))
        message = root.findtext("message") or ""
        if message.startswith("包含"):
            return {"forbidden": True}
        if message != "没有包含屏蔽词":
            raise Refused(message)
        return {"forbidden": False}

    def fetch(self, operation: str, names: Sequence[str]) -> tuple[Path, list[dict[str, str]]]:
        content = self.post(f"{operation}Api", {"action": "query"}, "utf-8")
        spool = self.state / f"{operation}-{time.time_ns()}-{os.getpid()}.xml"
        spool.write_bytes(content)
        root = self.parse(content)
        error = root.find("errorstatus")
        if error is not None:
            raise Refused(error.findtext("remark") or error.findtext("error"))
        items = [{name: box.findtext(name) or "" for name in names} for box in root.iter(f"{operation}box")]
        return spool, items

    def spooled(self, operation: str, names: Sequence[str]) -> Iterator[tuple[Path, list[dict[str, str]]]]:
        for spool in sorted(self.state.glob(f"{operation}-*-*.xml")):
            if spool.stem.rsplit("-", 1)[1] == str(os.getpid()) or is_running(int(spool.stem.rsplit("-", 1)[1])):
                continue
            try:
                root = self.parse(spool.read_bytes())
            except Unknown:
                continue
            yield spool, [{name: box.findtext(name) or "" for name in names} for box in root.iter(f"{operation}box")]


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


NAMES = {
    "status": ("mobile", "taskid", "status", "receivetime", "errorcode", "extno"),
    "call": ("mobile", "taskid", "content", "receivetime", "extno"),
}
STATUSES = {"10": "delivered", "20": "failed"}


def process(operation: str, items: Sequence[dict[str, str]], answer: Callable[..., None]) -> None:
    for item in items:
        if operation == "status":
            item["status"] = STATUSES.get(item["status"], item["status"])
        answer("item", **item)


def work(client: Client, request: Mapping[str, Any], answer: Callable[..., None]) -> Mapping[str, Any]:
    operation = request["operation"]
    if operation == "send":
        return client.send(request["mobiles"], request["content"], request["sendTime"], request["extno"])
    if operation == "overage":
        return client.overage()
    if operation == "checkkeyword":
        return client.checkkeyword(request["content"])
    for spool, items in client.spooled(operation, NAMES[operation]):
        done = Path(f"{spool}.done")
        count = done.stat().st_size if done.exists() else 0
        process(operation, items[count:], answer)
        spool.unlink()
        done.unlink(missing_ok=True)
    spool, items = client.fetch(operation, NAMES[operation])
    done = Path(f"{spool}.done")
    with done.open("wb", buffering=0) as marks:
        for item in items:
            process(operation, [item], answer)
            marks.write(b".")
    spool.unlink()
    done.unlink(missing_ok=True)
    return {}


def write_answer(number: int, kind: str, **fields: Any) -> None:
    sys.stdout.write(json.dumps({"id": number, "answer": kind, **fields}) + "\n")
    sys.stdout.flush()


def main() -> None:
    client: Client | None = None
    for line in sys.stdin:
        request = json.loads(line)
        answer = partial(write_answer, request["id"])
        if request["operation"] == "configure":
            client = Client(request)
            operations = ["send", "overage", "checkkeyword", "status", "call"]
            answer("configured", client="careful", operations=operations, claims=["durable", "clock"])
            continue
        assert client is not None
        try:
            result = work(client, request, answer)
        except Refused as error:
            answer("refused", message=str(error))
        except Unknown as error:
            answer("unknown", reason=str(error))
        else:
            answer("accepted", **result)


if __name__ == "__main__":
    main()
