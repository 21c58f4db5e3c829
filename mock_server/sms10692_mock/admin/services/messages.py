"""Message service: list sent messages, reports and replies; add to the queues, requeue; spending."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, Final, TypeAlias

from sms10692 import protocol
from sms10692_mock.admin.services.accounts import AccountService
from sms10692_mock.admin.services.filtered_pages import read_matching
from sms10692_mock.admin.services.finding_marks import FindingMarks
from sms10692_mock.admin.services.message_documents import (
    EnqueuedReplyDocument,
    EnqueuedReportDocument,
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
    MessageQuery,
    Row,
    format_iso_time,
    to_list_document,
)
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.billing import BillingName, explain_price, segment_price, utf16_length
from sms10692_mock.domain.clock import add_seconds
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.records import (
    NO_TASK_INDEX,
    DeliveryState,
    InboundReply,
    Page,
    Query,
    QueueItem,
    QueueName,
    QueueStats,
    SentMessage,
    State,
    StatusReport,
    Task,
)
from sms10692_mock.domain.store import NoSuchAccount
from sms10692_mock.domain.vendor import Vendor

_SPENDING_INTERVALS: Final = 48
_SPENDING_MESSAGES: Final = 5000
"""Latest messages that count for spending."""


_FaultLookup: TypeAlias = Callable[[int | None], list[str]]
"""Returns the faults that affected a request, by its number."""


class NoSuchTask(LookupError):
    """An account has no record of the task or, without a `task_id`, of a message to `mobile`."""

    def __init__(self, userid: str, mobile: str, task_id: int | None) -> None:
        self.userid, self.mobile, self.task_id = userid, mobile, task_id
        super().__init__(
            f"the account {userid} has sent nothing to {mobile}, or the record is no longer kept: send to that number "
            "first, or set task_id to one of the account's tasks"
            if task_id is None
            else f"the account {userid} has no task {task_id}, or the record is no longer kept"
        )


class NoSuchMessage(LookupError):
    """The account has no message of this number, or its record was deleted."""


class MessageService:
    """Reads and deletes messages, reads and changes queues of accounts. Every method raises NoSuchAccount."""

    def __init__(self, vendor: Vendor, accounts: AccountService, notifier: ChangeNotifier, marks: FindingMarks) -> None:
        self._vendor = vendor
        self._store = vendor.store
        self._accounts = accounts
        self._notifier = notifier
        self._marks = marks

    def messages(self, userid: str, query: MessageQuery) -> ListDocument[MessageDocument]:
        """List the sent messages."""
        billing, is_marked = self._vendor.profile_of(self._accounts.get(userid)).billing, self._marks.is_number_marked

        def read_marked(userid: str, store_query: Query, now: float) -> Page[SentMessage]:
            return read_matching(
                lambda one: self._store.messages(userid, one, now), store_query, lambda row: is_marked(row.task.request)
            )

        return self._list(
            userid,
            query,
            read_marked if query.has_findings else self._store.messages,
            lambda message, faults: _message_document(
                message, billing, faults, is_marked=is_marked(message.task.request)
            ),
        )

    def delete(self, userid: str, number: int) -> None:
        """Delete the record of one sent message; its report, replies and cost stay. Raises NoSuchMessage."""
        if not self._store.delete_message(userid, number):
            raise NoSuchMessage(number)

    def delete_all(self, userid: str) -> None:
        """Delete the records of all messages of an account."""
        self._store.clear_messages(userid)

    def delete_of_all_accounts(self) -> None:
        """Delete the records of all messages of all accounts."""
        for userid in self._store.userids():
            with suppress(NoSuchAccount):  # deleted meanwhile
                self._store.clear_messages(userid)

    def reports(self, userid: str, query: ListQuery) -> ListDocument[ReportDocument]:
        """List the reports, including the fetched ones."""
        return self._list(userid, query, self._store.reports, _report_document)

    def replies(self, userid: str, query: ListQuery) -> ListDocument[ReplyDocument]:
        """List the replies, including the fetched ones."""
        return self._list(userid, query, self._store.replies, _reply_document)

    def queue_stats(self, userid: str) -> QueuesDocument:
        """Return the statistics of both queues."""
        now = self._vendor.now(self._accounts.get(userid))
        return QueuesDocument.model_construct(
            reports=_queue_stats_document(self._store.queue_stats(userid, "reports", now)),
            replies=_queue_stats_document(self._store.queue_stats(userid, "replies", now)),
        )

    def spending(self, userid: str, intervals: int = _SPENDING_INTERVALS) -> SpendingDocument:
        """Return the cost of the latest messages per interval of time."""
        _, now = self._account_and_time(userid)
        items = self._store.messages(userid, Query(newest_first=True, limit=_SPENDING_MESSAGES), now).items
        if not items:
            return SpendingDocument.model_construct(since=None, until=None, points=[], messages=0, total=0)
        first, last = items[-1].task.sent_at, max(items[0].task.sent_at, items[-1].task.sent_at + 1.0)
        points = [0] * intervals
        for message in items:
            span = int((message.task.sent_at - first) / (last - first) * intervals)
            points[min(max(span, 0), intervals - 1)] += message.task.price
        return SpendingDocument.model_construct(
            since=format_iso_time(first),
            until=format_iso_time(last),
            points=points,
            messages=len(items),
            total=sum(points),
        )

    def inject_report(self, userid: str, new: NewReport) -> EnqueuedReportDocument:
        """Put a report into the queue. Raises NoSuchTask."""
        account, now = self._account_and_time(userid)
        task = self._find_task(userid, new.mobile, new.task_id, now)
        extno = task.extno if new.extno is None else new.extno
        report = StatusReport(add_seconds(now, new.seconds), new.mobile, task.task_id, new.status, new.errorcode, extno)
        self._store.enqueue(account.userid, [report], [], now)
        return EnqueuedReportDocument.model_construct(**_report_fields(report), state=_state(report.due, now))

    def inject_reply(self, userid: str, new: NewReply) -> EnqueuedReplyDocument:
        """Put a reply into the queue. Raises NoSuchTask."""
        account, now = self._account_and_time(userid)
        task = self._find_task(userid, new.mobile, new.task_id, now)
        extno = task.extno if new.extno is None else new.extno
        reply = InboundReply(add_seconds(now, new.seconds), new.mobile, task.task_id, new.content, extno)
        self._store.enqueue(account.userid, [], [reply], now)
        return EnqueuedReplyDocument.model_construct(**_reply_fields(reply), state=_state(reply.due, now))

    def requeue(self, userid: str, queue: QueueName, selection: Requeue) -> RequeueResult:
        """Make fetched items fetchable again."""
        since = selection.since.timestamp() if selection.since else None
        return RequeueResult.model_construct(requeued=self._store.requeue(userid, queue, selection.count, since))

    def _account_and_time(self, userid: str) -> tuple[Account, float]:
        account = self._accounts.get(userid)
        return account, self._vendor.now(account)

    def _find_task(self, userid: str, mobile: str, task_id: int | None, now: float) -> Task:
        """Return the task with this id or, without an id, the last one sent to this number. Raises NoSuchTask."""
        query = Query(task_id=task_id, limit=1)
        if task_id is None:
            query = Query(number=mobile, newest_first=True, limit=1)
        found = self._store.messages(userid, query, now).items
        if not found:
            raise NoSuchTask(userid, mobile, task_id)
        return found[0].task

    def _list(
        self,
        userid: str,
        query: ListQuery,
        list_rows: Callable[[str, Query, float], Page[Row]],
        to_document: Callable[[Row, _FaultLookup], Any],
    ) -> ListDocument[Any]:
        store_query = query.to_store_query()

        def read_page() -> Page[Row]:
            account = self._accounts.get(userid)
            return list_rows(userid, store_query, self._vendor.now(account))

        # Due times change states, and other processes change the store, without a notification.
        polls = store_query.state is not None or self._store.blocking
        page = self._notifier.wait_for(
            read_page, lambda page: len(page.items) >= query.count, query.wait, userid=userid, polls=polls
        )
        faults = cache(self._faults_of_request)
        return to_list_document(page, query.limit, lambda row: to_document(row, faults))

    def _faults_of_request(self, request_number: int | None) -> list[str]:
        """Return the faults that affected a request; none if the request is no longer kept."""
        request = None if request_number is None else self._store.request(request_number)
        return [fault.kind for fault in request.faults] if request else []


def _delivery_state_fields(delivery_state: DeliveryState, faults: _FaultLookup) -> dict[str, Any]:
    return {
        "state": delivery_state.state,
        "fetched_at": None if delivery_state.time is None else format_iso_time(delivery_state.time),
        "fetched_by_request": delivery_state.request,
        "faults": faults(delivery_state.request),
    }


def _message_document(
    message: SentMessage, billing: BillingName, faults: _FaultLookup, *, is_marked: bool
) -> MessageDocument:
    task, report = message.task, message.report
    return MessageDocument.model_construct(
        number=message.number,
        task_id=task.task_id,
        mobile=message.mobile,
        content=task.content,
        units=utf16_length(task.content),
        segments=segment_price(task.content),
        cost=task.price,
        cost_why=explain_price(billing, task.content),
        endpoint=task.endpoint_path,
        charset=_CHARSETS[task.endpoint_path],
        extno=task.extno,
        sent=format_iso_time(task.sent_at),
        due=format_iso_time(report.due if report else task.due),
        status=report.status if report else None,
        errorcode=report.errorcode if report else None,
        request=task.request,
        has_findings=is_marked,
        **_delivery_state_fields(message.delivery_state, faults),
    )


def _report_document(queued: QueueItem[StatusReport], faults: _FaultLookup) -> ReportDocument:
    return ReportDocument.model_construct(
        number=queued.number,
        injected=queued.item.recipient_index == NO_TASK_INDEX,
        **_report_fields(queued.item),
        **_delivery_state_fields(queued.delivery_state, faults),
    )


def _report_fields(report: StatusReport) -> dict[str, Any]:
    return {
        "mobile": report.mobile,
        "task_id": report.task_id,
        "status": report.status,
        "errorcode": report.errorcode,
        "extno": report.extno,
        "due": format_iso_time(report.due),
    }


def _reply_document(queued: QueueItem[InboundReply], faults: _FaultLookup) -> ReplyDocument:
    return ReplyDocument.model_construct(
        number=queued.number, **_reply_fields(queued.item), **_delivery_state_fields(queued.delivery_state, faults)
    )


def _reply_fields(reply: InboundReply) -> dict[str, Any]:
    return {
        "mobile": reply.mobile,
        "task_id": reply.task_id,
        "content": reply.content,
        "extno": reply.extno,
        "due": format_iso_time(reply.due),
    }


def _state(due: float, now: float) -> State:
    return "scheduled" if due > now else "waiting"


def _queue_stats_document(stats: QueueStats) -> QueueStatsDocument:
    return QueueStatsDocument.model_construct(**stats._asdict())


_CHARSETS: Final = {endpoint.path: endpoint.charset for endpoint in protocol.ENDPOINTS}
