"""Metrics in Prometheus' text format: the counters of this process, and the queues of the store when they are read."""

import platform
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate
from typing import TYPE_CHECKING, Final, get_args

from sms10692 import __version__
from sms10692_mock.app.request_metrics import DURATION_BUCKETS, RequestMetrics
from sms10692_mock.domain.records import QueueName, QueueStats
from sms10692_mock.domain.store import NoSuchAccount, StoreUnavailable
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.stores.probe import StoreProbe

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_PREFIX: Final = "sms10692_mock_"
_QUEUES: Final[tuple[QueueName, ...]] = get_args(QueueName)


class MetricsService:
    """Writes the metrics of one emulator. Thread-safe.

    prometheus_client is imported at the first call: it is needed by few emulators.
    """

    def __init__(self, vendor: Vendor, metrics: RequestMetrics, probe: StoreProbe) -> None:
        self._vendor = vendor
        self._metrics = metrics
        self._probe = probe

    def render(self) -> tuple[bytes, str]:
        """Return all metrics and their content type. Reads the queues of all accounts, if the store is available."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        ProcessCollector(registry=registry)
        return generate_latest(registry), CONTENT_TYPE_LATEST

    def collect(self) -> "Iterator[Metric]":
        """Yield the metrics; the method that prometheus_client calls."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        build = GaugeMetricFamily(f"{_PREFIX}build_info", "Versions.", labels=["version", "python", "store"])
        build.add_metric([__version__, platform.python_version(), self._vendor.store.name], 1)
        yield build

        measured = sorted(self._metrics.requests().items())
        requests = CounterMetricFamily(
            f"{_PREFIX}requests", "Requests to the vendor's endpoints.", labels=["operation", "result"]
        )
        durations = HistogramMetricFamily(
            f"{_PREFIX}request_duration_seconds",
            "Time from a parsed request to its rendered response, without injected delays.",
            labels=["operation", "result"],
        )
        bounds = [*map(str, DURATION_BUCKETS), "+Inf"]
        for labels, (total, counts) in measured:
            buckets = list(zip(bounds, accumulate(counts), strict=True))
            requests.add_metric(labels, buckets[-1][1])
            durations.add_metric(labels, buckets, total)
        yield requests
        yield durations

        findings = CounterMetricFamily(f"{_PREFIX}findings", "Findings in the header X-Mock-Hint.", labels=["code"])
        for code, number in sorted(self._metrics.findings().items()):
            findings.add_metric([code], number)
        yield findings

        errors = CounterMetricFamily(
            f"{_PREFIX}store_errors", "Requests that failed because the store was unavailable.", labels=["interface"]
        )
        for interface in ("control", "vendor"):
            errors.add_metric([interface], self._metrics.store_errors().get(interface, 0))
        yield errors

        is_ready = not self._probe.failure()
        yield GaugeMetricFamily(f"{_PREFIX}store_ready", "Whether the store can be read and written.", value=is_ready)
        if is_ready:
            with suppress(StoreUnavailable):  # since the check; the next scrape shows it
                yield from self._collect_store()

    def _collect_store(self) -> "Iterator[Metric]":
        from prometheus_client.core import GaugeMetricFamily

        store = self._vendor.store
        totals = {(queue, state): 0 for queue in _QUEUES for state in ("scheduled", "waiting")}
        accounts = store.accounts()
        for account in accounts:
            with suppress(NoSuchAccount):  # deleted since it was listed
                for queue in _QUEUES:
                    stats: QueueStats = store.queue_stats(account.userid, queue, self._vendor.now(account))
                    totals[queue, "scheduled"] += stats.scheduled
                    totals[queue, "waiting"] += stats.waiting
        items = GaugeMetricFamily(
            f"{_PREFIX}queue_items", "Unfetched items of all accounts in the store.", labels=["queue", "state"]
        )
        for labels, number in totals.items():
            items.add_metric(list(labels), number)
        yield items
        yield GaugeMetricFamily(f"{_PREFIX}accounts", "Accounts in the store.", value=len(accounts))
