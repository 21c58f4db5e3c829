"""Driver of `Client`, or with the argument `async` of `AsyncClient`, with a spool directory or `--no-spool`.

A file beside each spooled batch counts the items that were processed, so that none is processed again after a crash.
"""

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sms10692 import AsyncClient, Client, FetchedBatch, SmsError, Status, UnencodableText, VendorRefusal, replay_spool

IS_ASYNC, HAS_SPOOL = "async" in sys.argv, "--no-spool" not in sys.argv
STATUS = {Status.DELIVERED: "delivered", Status.FAILED: "failed"}


def tell_items(number: int, items: Iterable[Any]) -> None:
    for item in items:
        fields = {name: str(getattr(item, name)) for name in ("mobile", "receivetime", "extno")}
        if hasattr(item, "status"):
            fields |= {"status": STATUS[item.status], "errorcode": item.errorcode}
        else:
            fields["content"] = item.content
        tell(number, "item", taskid=str(item.task_id), **fields)


def process_batch(number: int, batch: FetchedBatch[Any]) -> None:
    """Process the items that no earlier process has processed, and count each in a file of the batch."""
    if batch.spool_file is None:  # an empty batch, or no spool
        tell_items(number, batch)
        return
    progress = batch.spool_file.with_suffix(".done")
    count = progress.stat().st_size if progress.exists() else 0
    with progress.open("ab", buffering=0) as marks:
        for item in batch[count:]:
            tell_items(number, [item])
            marks.write(b".")
    batch.ack()
    progress.unlink()


def tell(number: int, kind: str, **fields: Any) -> None:
    sys.stdout.write(json.dumps({"id": number, "answer": kind, **fields}) + "\n")
    sys.stdout.flush()


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def call(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


async def work(client: Any, request: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    number, operation = request["id"], request["operation"]
    if operation == "send":
        time = datetime.fromisoformat(request["sendTime"]) if request["sendTime"] else None
        sent = await call(client.send(request["mobiles"], request["content"], send_time=time, extno=request["extno"]))
        return {"taskID": str(sent.task_id), "successCounts": sent.success_counts, "remainpoint": sent.remain_point}
    if operation == "overage":
        return {"overage": (await call(client.overage())).overage}
    if operation == "checkkeyword":
        return {"forbidden": (await call(client.checkkeyword(request["content"]))).is_forbidden}
    if folder is None:
        tell_items(number, await call(getattr(client, operation)()))
        return {}
    # Each process has a spool of its own: two that replay one directory may process a batch twice.
    for spool in sorted((folder / operation).glob("*")):
        for batch in () if is_running(int(spool.name)) else replay_spool(spool):
            process_batch(number, batch)
    process_batch(number, await call(getattr(client, operation)(spool_dir=folder / operation / str(os.getpid()))))
    return {}


async def main() -> None:
    client: Any = None
    folder: Path | None = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["operation"] == "configure":
            names = ("userid", "account", "password", "authentication", "charset", "timeout")
            chosen = {name: request[name] for name in names}
            chosen["charset"] = "gbk" if request["charset"] == "gb2312" else "utf-8"
            offset = timedelta(seconds=request["clock_offset"])
            chosen["clock"] = lambda offset=offset: datetime.now(UTC) + offset
            client = (AsyncClient if IS_ASYNC else Client)(
                request["url"], total_timeout=2 * request["timeout"], **chosen
            )
            folder = Path(request["state_dir"]) if HAS_SPOOL else None
            operations = ["send", "overage", "checkkeyword", "status", "call"]
            name = f"sms10692 {'AsyncClient' if IS_ASYNC else 'Client'}"
            claims = ["clock", *(["durable"] if HAS_SPOOL else [])]
            tell(request["id"], "configured", client=name, operations=operations, claims=claims)
            continue
        try:
            result = await work(client, request, folder)
        except VendorRefusal as error:
            tell(request["id"], "refused", message=error.message)
        except UnencodableText as error:
            tell(request["id"], "refused", message=str(error))
        except SmsError as error:
            tell(request["id"], "unknown", reason=str(error))
        else:
            tell(request["id"], "accepted", **result)


if __name__ == "__main__":
    asyncio.run(main())
