"""The file of a learned profile: TOML that `sms10692-mock serve --profile` reads, with the evidence as comments.

Neither the address nor the account of the server is in it, and every response passed the masks of the session.
"""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from sms10692_contract.checks.brands import LEARNABLE, NOT_LEARNABLE
from sms10692_contract.dry_run import format_request
from sms10692_contract.escaping import escape_unprintable
from sms10692_contract.expected import ParsedResponse
from sms10692_contract.learnable_keys import LearnableKey, Observation
from sms10692_contract.learning import LearnedKeys
from sms10692_contract.masking import shorten
from sms10692_contract.probes import ProbeSession
from sms10692_contract.requests import mask_request

_EVIDENCE_LIMIT: Final = 400
"""Most characters of a response in the file. `serve` reads at most 64 KiB."""

_HEAD: Final = """\
# A profile that sms10692-contract learned on {today} from a server: sms10692-mock serve --profile FILE imitates it.
# Each key names the exchanges, below, that show its value. S: three or more show it, M: two, W: one.
base = "manual"

"""
_MISSING_HEAD: Final = "\n# Not observed. The emulator does here what the manual says, or our reading of it.\n"
_EVIDENCE_HEAD: Final = "\n# The exchanges. Values that differ from run to run are replaced by words.\n"


def render_learned(session: ProbeSession, keys: LearnedKeys, today: date) -> str:
    """Return the file: each observed key with its evidence, the keys that were not observed, and the exchanges."""
    observations = [
        (learnable, keys.observed[learnable.key]) for learnable in LEARNABLE if learnable.key in keys.observed
    ]
    shown = {id(response): response for _, each in observations for response in each.responses}
    numbers = {key: number for number, key in enumerate(shown, 1)}
    blocks = [_render_observation(learnable, observation, numbers) for learnable, observation in observations]
    missing = [f"# {key}: {escape_unprintable(reason)}\n" for key, reason in list_missing(keys)]
    exchanges = [_render_exchange(session, response, number) for number, response in enumerate(shown.values(), 1)]
    return "".join(
        (
            _HEAD.format(today=today),
            *blocks,
            _MISSING_HEAD,
            *missing,
            *([_EVIDENCE_HEAD] if exchanges else []),
            *exchanges,
        )
    )


def list_missing(keys: LearnedKeys) -> Sequence[tuple[str, str]]:
    """Return the keys that were not observed, with the reasons."""
    return [*keys.missing.items(), *((key, english) for key, (english, _) in NOT_LEARNABLE.items())]


def _render_observation(learnable: LearnableKey, observation: Observation, numbers: dict[int, int]) -> str:
    """Return the line of a key. A text of the manual, and the absence of a limit, are comments: no key says them."""
    evidence = ", ".join(str(numbers[id(response)]) for response in observation.responses)
    is_manual = observation.value == learnable.manual_value
    comment = f"{observation.grade}{', as in the manual' if is_manual else ''}, exchange {evidence}"
    if observation.value is None:
        return f"# {learnable.key} = (no limit)  # {comment}\n"
    mark = "# " if "." in learnable.key and is_manual else ""
    return f"{mark}{learnable.key} = {format_toml(observation.value)}  # {comment}\n"


def _render_exchange(session: ProbeSession, response: ParsedResponse, number: int) -> str:
    status = "" if response.raw.status == 200 else f"HTTP {response.raw.status} "
    text = status + _to_line(shorten(session.describe(response), _EVIDENCE_LIMIT))
    return f"# {number} > {_to_line(format_request(mask_request(response.request)))}\n#   < {text}\n"


def _to_line(text: str) -> str:
    return escape_unprintable(text.replace("\r", "\\r").replace("\n", "\\n")) or "(nothing)"


def format_toml(value: Any) -> str:
    """Return a value as TOML: its strings are JSON strings, except for the character U+007F.

    >>> format_toml(True), format_toml(["a", 1]), format_toml(300.0)
    ('true', '["a", 1]', '300.0')
    """
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
