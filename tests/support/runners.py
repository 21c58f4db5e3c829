"""Submits single functions to the runner of a store, which expects two phases."""

import asyncio
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from sms10692_mock.stores.batch_runner import BatchRunner
from sms10692_mock.stores.valkey.runner import PipelinedRunner

T = TypeVar("T")


class HandledValue(NamedTuple, Generic[T]):
    """The result of a first phase. Its second phase is fast."""

    value: T
    is_large: bool = False


def get_value(handled: HandledValue[T]) -> T:
    return handled.value


def submit(runner: BatchRunner | PipelinedRunner, work: Callable[[], T]) -> "asyncio.Future[T]":
    """Run `work` as the first phase. The second phase returns its result."""

    def handle() -> HandledValue[T]:
        return HandledValue(work())

    finish: Callable[[HandledValue[T]], Any] = get_value
    return runner.submit(handle, finish)
