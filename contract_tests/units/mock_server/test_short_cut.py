"""The short way through granian, with stand-ins for what granian hands over."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import pytest
from granian._granian import RSGIProtocolClosed

from sms10692_mock.http.explanations import Explanations
from sms10692_mock.http.pages import Pages, Request
from sms10692_mock.http.rsgi import RsgiPages
from sms10692_mock.http.short_cut import ShortCut
from sms10692_mock.http.threads import Threads
from sms10692_mock.options import Options, vendor_of

FORM = b"action=overage&userid=12&timestamp=20120701231212&sign=5cc68982f55ac74348e3d819f868fbe1"


class Connection:
    """A client whose body is there, or broke off, as soon as somebody wants to know."""

    def __init__(self, body: bytes | None) -> None:
        self.body = body
        self.status: int | None = None
        self.answered = b""

    def __call__(self) -> "Connection":
        return self

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        callback(self)

    def result(self) -> bytes:
        if self.body is None:
            raise RSGIProtocolClosed
        return self.body

    def response_bytes(self, status: int, headers: object, body: bytes) -> None:
        self.status, self.answered = status, body


class Watcher:
    """A request, as granian hands it over."""

    def __init__(self, path: str, body: bytes | None, **headers: str) -> None:
        self.proto: Any = Connection(body)
        self.scope: Any = self
        self.path, self.method, self.query_string = path, "POST", ""
        self.headers = {"content-type": "application/x-www-form-urlencoded"} | headers
        self.failed_with: BaseException | None = None

    def err(self, error: BaseException) -> None:
        self.failed_with = error

    def done(self) -> None:
        pass

    def taskref(self, task: object) -> None:
        pass


class AtOnce(Executor):
    """Threads on which everything happens at once, and is counted."""

    def __init__(self) -> None:
        self.works = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.works += 1
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Broken(Pages):
    """Pages that are wrong themselves."""

    def exchange(self, page: object, request: Request) -> Any:
        raise ZeroDivisionError


class Tasks:
    """An event loop that counts the tasks it is given, and begins none."""

    def __init__(self) -> None:
        self.given = 0

    def call_soon_threadsafe(self, start: object, watcher: object, work: Any) -> None:
        self.given += 1
        work.close()


class OnAStoreThatWaits(Pages):
    """Pages whose store may wait for others, as one in a file or on a server."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.waits = True


def taken(
    watcher: Watcher, pages: type[Pages] = Pages, threads: Executor | None = None, tasks: Tasks | None = None
) -> Watcher:
    options = Options()
    made, threads = pages(vendor_of(options), options.dialect), threads or AtOnce()
    elsewhere: Any = None
    loop: Any = tasks or Tasks()
    explanations = Explanations(made, threads)
    application = RsgiPages(made, elsewhere, Threads(threads, threads, threads), explanations)
    ShortCut(loop, application, made, threads, explanations).take(watcher)
    return watcher


def test_a_short_request_is_answered_where_it_arrives() -> None:
    threads = AtOnce()
    watcher = taken(Watcher("/v2sms.aspx", FORM, **{"content-length": "87"}), threads=threads)
    assert watcher.proto.status == 200
    assert b"<overage>1000</overage>" in watcher.proto.answered
    assert threads.works == 0


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v2statusApi.aspx", {"content-length": "85"}),
        ("/v2callApi.aspx", {"content-length": "85"}),
        ("/_mock/health", {"content-length": "85"}),
        ("/v2sms.aspx", {"content-length": "600000"}),
        ("/v2sms.aspx", {"transfer-encoding": "chunked"}),
    ],
)
def test_what_may_take_long_is_a_task(path: str, headers: dict[str, str]) -> None:
    tasks = Tasks()
    assert taken(Watcher(path, FORM, **headers), tasks=tasks).proto.status is None
    assert tasks.given == 1


def test_a_store_that_waits_makes_another_thread_wait() -> None:
    threads = AtOnce()
    watcher = taken(Watcher("/v2sms.aspx", FORM, **{"content-length": "87"}), OnAStoreThatWaits, threads)
    assert watcher.proto.status == 200
    assert threads.works == 1


def test_a_refusal_is_explained_on_another_thread() -> None:
    threads = AtOnce()
    watcher = taken(
        Watcher("/v2sms.aspx", FORM.replace(b"12&", b"13&", 1), **{"content-length": "87"}), threads=threads
    )
    assert watcher.proto.status == 200
    assert threads.works == 1


def test_a_body_that_broke_off_is_a_400() -> None:
    assert taken(Watcher("/v2sms.aspx", None, **{"content-length": "87"})).proto.status == 400


def test_an_exception_of_ours_is_told_to_the_server() -> None:
    watcher = taken(Watcher("/v2sms.aspx", FORM, **{"content-length": "87"}), Broken)
    assert isinstance(watcher.failed_with, ZeroDivisionError)
    assert watcher.proto.status is None
