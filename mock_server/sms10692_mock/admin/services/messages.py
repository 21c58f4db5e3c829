"""Traffic: what was sent, what came back, and what became of it.

Here belong messages and the two queues as documents, and putting something into a queue. Requests are in `requests`.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeAlias

from sms10692 import protocol
from sms10692_mock.admin.services.accounts import AccountService
from sms10692_mock.admin.services.message_documents import (
    EnqueuedReply,
    EnqueuedReport,
    MessageDocument,
    NewReply,
    NewReport,
    QueuesDocument,
    QueueStatsDocument,
    ReplyDocument,
    ReportDocument,
    Requeue,
    RequeueResult,
    SpendingDocument,
)
from sms10692_mock.admin.services.schemas import (
    ListDocument,
    ListQuery,
    Row,
    format_time,
    to_list_document,
)
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.billing import Billing, explain_price, segment_price, utf16_length
from sms10692_mock.domain.clock import add_seconds
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.records import (
    NO_TASK_INDEX,
    DeliveryState,
    Message,
    Page,
    Query,
    QueueItem,
    QueueName,
    QueueStats,
    Reply,
    Report,
    State,
    Task,
)
from sms10692_mock.domain.vendor import Vendor

_SPANS: Final = 48
_CHARGED: Final = 5000
"""Messages that a look at charges goes through."""


_Faults: TypeAlias = Callable[[int | None], list[str]]
"""The faults that struck the request of a number."""


class NoSuchTask(LookupError):
    """An account has no task of this number, or none that was sent to this number; or it is too old to be kept."""

    def __init__(self, userid: str, mobile: str, task_id: int | None) -> None:
        self.userid, self.mobile, self.task_id = userid, mobile, task_id
        super().__init__(
            f"the account {userid} has sent nothing to {mobile} that is still kept: send to that number first, or give "
            "the task_id of one of its tasks"
            if task_id is None
            else f"the account {userid} has no task {task_id} that is still kept"
        )


class MessageService:
    """What can be seen and done about messages and queues of an account."""

    def __init__(self, vendor: Vendor, accounts: AccountService, bell: ChangeNotifier) -> None:
        self._vendor = vendor
        self._store = vendor.store
        self._accounts = accounts
        self._bell = bell

    def messages(self, userid: str, seek: ListQuery) -> ListDocument[MessageDocument]:
        """What was sent."""
        billing = self._vendor.billing
        return self._list(
            userid, seek, self._store.messages, lambda one, faults: _message_document(one, billing, faults)
        )

    def reports(self, userid: str, seek: ListQuery) -> ListDocument[ReportDocument]:
        """The queue of reports, with what was handed out."""
        return self._list(userid, seek, self._store.reports, _report_document)

    def replies(self, userid: str, seek: ListQuery) -> ListDocument[ReplyDocument]:
        """The queue of replies, with what was handed out."""
        return self._list(userid, seek, self._store.replies, _reply_document)

    def queue_stats(self, userid: str) -> QueuesDocument:
        """Both queues in numbers."""
        now = self._vendor.now(self._accounts.get(userid))
        return QueuesDocument.model_construct(
            reports=_ledger_document(self._store.queue_stats(userid, "reports", now)),
            replies=_ledger_document(self._store.queue_stats(userid, "replies", now)),
        )

    def spending(self, userid: str, spans: int = _SPANS) -> SpendingDocument:
        """What was charged lately, in so many spans of time."""
        _, now = self._at(userid)
        items = self._store.messages(userid, Query(newest_first=True, limit=_CHARGED), now).items
        if not items:
            return SpendingDocument.model_construct(since=None, until=None, points=[], messages=0, total=0)
        first, last = items[-1].task.sent_at, max(items[0].task.sent_at, items[-1].task.sent_at + 1.0)
        points = [0] * spans
        for message in items:
            span = int((message.task.sent_at - first) / (last - first) * spans)
            points[min(max(span, 0), spans - 1)] += message.task.price
        return SpendingDocument.model_construct(
            since=format_time(first),
            until=format_time(last),
            points=points,
            messages=len(items),
            total=sum(points),
        )

    def inject_report(self, userid: str, wanted: NewReport) -> EnqueuedReport:
        """Put a report into the queue. Raises NoSuchTask."""
        account, now = self._at(userid)
        task = self._task(userid, wanted.mobile, wanted.task_id, now)
        extno = task.extno if wanted.extno is None else wanted.extno
        report = Report(
            add_seconds(now, wanted.seconds), wanted.mobile, task.task_id, wanted.status, wanted.errorcode, extno
        )
        self._store.enqueue(account.userid, [report], [], now)
        return EnqueuedReport.model_construct(**_report_fields(report), state=_state(report.due, now))

    def inject_reply(self, userid: str, wanted: NewReply) -> EnqueuedReply:
        """Put a reply into the queue. Raises NoSuchTask."""
        account, now = self._at(userid)
        task = self._task(userid, wanted.mobile, wanted.task_id, now)
        extno = task.extno if wanted.extno is None else wanted.extno
        reply = Reply(add_seconds(now, wanted.seconds), wanted.mobile, task.task_id, wanted.content, extno)
        self._store.enqueue(account.userid, [], [reply], now)
        return EnqueuedReply.model_construct(**_reply_fields(reply), state=_state(reply.due, now))

    def requeue(self, userid: str, queue: QueueName, wanted: Requeue) -> RequeueResult:
        """Let items wait again that were handed out."""
        since = wanted.since.timestamp() if wanted.since else None
        return RequeueResult.model_construct(rewound=self._store.requeue(userid, queue, wanted.count, since))

    def _at(self, userid: str) -> tuple[Account, float]:
        account = self._accounts.get(userid)
        return account, self._vendor.now(account)

    def _task(self, userid: str, mobile: str, task_id: int | None, now: float) -> Task:
        """The account's task of this number, or the last one that it sent to this mobile number."""
        wanted = Query(task_id=task_id, limit=1)
        if task_id is None:
            wanted = Query(number=mobile, newest_first=True, limit=1)
        found = self._store.messages(userid, wanted, now).items
        if not found:
            raise NoSuchTask(userid, mobile, task_id)
        return found[0].task

    def _list(
        self,
        userid: str,
        seek: ListQuery,
        items: Callable[[str, Query, float], Page[Row]],
        document: Callable[[Row, _Faults], Any],
    ) -> ListDocument[Any]:
        wanted = seek.to_store_query()

        def look() -> Page[Row]:
            account = self._accounts.get(userid)
            return items(userid, wanted, self._vendor.now(account))

        # A clock, or another process, changes what is in a state, or in the store, without a notification.
        polls = wanted.state is not None or self._store.blocking
        page = self._bell.wait_for(
            look, lambda page: len(page.items) >= seek.count, seek.wait, userid=userid, polls=polls
        )
        faults = cache(self._faults)
        return to_list_document(page, seek.limit, lambda thing: document(thing, faults))

    def _faults(self, request: int | None) -> list[str]:
        """The faults that struck a request, as far as it is still kept."""
        entry = None if request is None else self._store.request(request)
        return list(entry.faults) if entry else []


def _handed_out(fate: DeliveryState, faults: _Faults) -> dict[str, Any]:
    return {
        "state": fate.state,
        "handed_out": None if fate.time is None else format_time(fate.time),
        "handed_out_to": fate.request,
        "spoilt_by": faults(fate.request),
    }


def _message_document(message: Message, billing: Billing, faults: _Faults) -> MessageDocument:
    task, report = message.task, message.report
    return MessageDocument.model_construct(
        number=message.number,
        task_id=task.task_id,
        mobile=message.mobile,
        content=task.content,
        units=utf16_length(task.content),
        parts=segment_price(task.content),
        cost=task.price,
        cost_why=explain_price(billing, task.content),
        page=task.page,
        charset=_CHARSETS[task.page],
        extno=task.extno,
        sent=format_time(task.sent_at),
        due=format_time(report.due if report else task.due),
        status=report.status if report else None,
        errorcode=report.errorcode if report else None,
        request=task.request,
        **_handed_out(message.delivery_state, faults),
    )


def _report_document(queued: QueueItem[Report], faults: _Faults) -> ReportDocument:
    return ReportDocument.model_construct(
        number=queued.number,
        injected=queued.item.place == NO_TASK_INDEX,
        **_report_fields(queued.item),
        **_handed_out(queued.delivery_state, faults),
    )


def _report_fields(report: Report) -> dict[str, Any]:
    return {
        "mobile": report.mobile,
        "task_id": report.task_id,
        "status": report.status,
        "errorcode": report.errorcode,
        "extno": report.extno,
        "due": format_time(report.due),
    }


def _reply_document(queued: QueueItem[Reply], faults: _Faults) -> ReplyDocument:
    return ReplyDocument.model_construct(
        number=queued.number, **_reply_fields(queued.item), **_handed_out(queued.delivery_state, faults)
    )


def _reply_fields(reply: Reply) -> dict[str, Any]:
    return {
        "mobile": reply.mobile,
        "task_id": reply.task_id,
        "content": reply.content,
        "extno": reply.extno,
        "due": format_time(reply.due),
    }


def _state(due: float, now: float) -> State:
    return "later" if due > now else "waiting"


def _ledger_document(ledger: QueueStats) -> QueueStatsDocument:
    return QueueStatsDocument.model_construct(**ledger._asdict())


_CHARSETS: Final = {page.path: page.charset for page in protocol.ENDPOINTS}
