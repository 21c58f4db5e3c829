"""Which items of a list somebody wants to see: filters and pages, as functions of values.

Here belongs how a `Query` is applied where a store has no better way, such as an index.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final, Protocol, TypeVar
from urllib.parse import unquote_to_bytes

from sms10692_mock.domain.records import LoggedRequest, Message, Page, Query, QueueItem, Reply, Report, Task


class HasNumber(Protocol):
    """What lists are made of: it has a number, by which pages go on."""

    @property
    def number(self) -> int: ...


Thing = TypeVar("Thing", bound=HasNumber)


def paginate(things: Iterable[Thing], wanted: Query, says: Callable[[Thing, Query], bool], dropped: int) -> Page[Thing]:
    """One page of `things`, which come in the order in which they are wanted."""
    after, newest_first = wanted.after, wanted.newest_first
    fitting = (
        thing
        for thing in things
        if (after is None or (thing.number < after if newest_first else thing.number > after)) and says(thing, wanted)
    )
    page = list(islice(fitting, wanted.limit + 1))
    return Page(page[: wanted.limit], len(page) > wanted.limit, dropped)


def matches_task(task: Task, wanted: Query) -> bool:
    """Whether a message of this task can be wanted."""
    return (
        (wanted.task_id is None or task.task_id == wanted.task_id)
        and (wanted.text is None or wanted.text in task.content)
        and _at(task.sent_at, wanted)
    )


def matches_message(message: Message, wanted: Query) -> bool:
    """Whether a message is wanted."""
    return (
        (wanted.number is None or message.mobile == wanted.number)
        and (wanted.state is None or message.delivery_state.state == wanted.state)
        and matches_task(message.task, wanted)
    )


def matches_report(queued: QueueItem[Report], wanted: Query) -> bool:
    """Whether a report is wanted; its text is its errorcode."""
    return _says_item(queued, queued.item.errorcode, wanted)


def matches_reply(queued: QueueItem[Reply], wanted: Query) -> bool:
    """Whether a reply is wanted."""
    return _says_item(queued, queued.item.content, wanted)


def _says_item(queued: QueueItem[Report] | QueueItem[Reply], text: str, wanted: Query) -> bool:
    item = queued.item
    return (
        (wanted.number is None or item.mobile == wanted.number)
        and (wanted.task_id is None or item.task_id == wanted.task_id)
        and (wanted.text is None or wanted.text in text)
        and (wanted.state is None or queued.delivery_state.state == wanted.state)
        and _at(item.due, wanted)
    )


def matches_request(entry: LoggedRequest, wanted: Query) -> bool:
    """Whether a request is wanted: what is sought stands somewhere in what was sent or answered.

    Both are searched as they were on the wire, and what was sent also as a form means it, in UTF-8 and in GBK.
    """
    if not _at(entry.now, wanted):
        return False
    numbers = [str(number) for number in (wanted.number, wanted.task_id) if number is not None]
    if wanted.text is None and not numbers:
        return True
    sent = b"\n".join((entry.query, entry.body))
    said = [b"\n".join((sent, entry.answer))]
    if b"%" in sent or b"+" in sent:
        said.append(unquote_to_bytes(sent.replace(b"+", b" ")))
    return all(_contains_number(said, number) for number in numbers) and (
        wanted.text is None or _is_in(said, wanted.text)
    )


def _contains_number(said: Sequence[bytes], number: str) -> bool:
    """Whether a number stands there as a whole, not as a part of a longer one."""
    sought = number.encode("utf-8", "replace")
    whole = rb"(?<![0-9])%s(?![0-9])" % re.escape(sought)
    return any(sought in one and re.search(whole, one) is not None for one in said)


def _is_in(said: Sequence[bytes], text: str) -> bool:
    for charset in _CHARSETS:
        try:
            sought = text.encode(charset)
        except UnicodeEncodeError:
            continue
        # The bytes of a text in GBK may also begin in the middle of a character.
        if any(sought in one and (charset != "gbk" or text in one.decode(charset, "replace")) for one in said):
            return True
    return False


_CHARSETS: Final = ("utf-8", "gbk")


def _at(moment: float, wanted: Query) -> bool:
    return (wanted.since is None or moment >= wanted.since) and (wanted.until is None or moment <= wanted.until)
