"""Submits single functions to the runner of a store, which expects two phases."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sms10692_mock.stores.sqlite.batch_runner import BatchRunner
from sms10692_mock.stores.valkey.runner import PipelinedRunner

T = TypeVar("T")


def submit(runner: BatchRunner | PipelinedRunner, work: Callable[[], T]) -> "asyncio.Future[T]":
    """Run `work` as the first phase. The second phase returns its result."""
    return runner.submit(work, _return_unchanged)


def _return_unchanged(value: T) -> T:
    return value
