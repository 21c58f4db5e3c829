"""Learning the keys of a profile from one server, each by its row in `checks.brands`."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sms10692_contract.checks.brands import LEARNABLE
from sms10692_contract.expectations import get_message
from sms10692_contract.learnable_keys import LearnableKey, Observation
from sms10692_contract.probes import NotObserved, ProbeSession

EMPTYING: Final = ("status-none", "call-none")
"""Probes that come first: they take what earlier messages left in the queues."""


@dataclass(frozen=True)
class LearnedKeys:
    """What was observed of each key, and why the others were not."""

    observed: Mapping[str, Observation]
    missing: Mapping[str, str]


def learn_keys(session: ProbeSession, keys: Iterable[LearnableKey] = LEARNABLE) -> LearnedKeys:
    """Read each key. Nothing is sent or fetched that the guard of the session does not allow."""
    for name in EMPTYING:
        with suppress(NotObserved):
            session.play(name)
    observed, missing = {}, {}
    for learnable in keys:
        try:
            observed[learnable.key] = learnable.observe(session)
        except NotObserved as error:
            missing[learnable.key] = session.mask(str(error))
    for key, each in [*observed.items()] if session.limit_text else []:
        if any(get_message(response) == session.limit_text for response in each.responses):
            del observed[key]
            missing[key] = "the message is that of a limit"
    return LearnedKeys(observed, missing)
