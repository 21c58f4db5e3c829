"""Keys of the profiles of brands: how the suite examines the effect of each, and how `learn` reads its value (R22).

Each module has the keys of one subject: checks, rows of `LEARNABLE` for the keys that `learn` can read, and
`NOT_LEARNABLE` with the reasons for the others. The expected documents and messages are built from the keys
(`profiles`), which the control API tells. Each check runs for the emulator's own profile, and for others that accounts
can have if they differ in its key.
"""

from collections.abc import Mapping
from typing import Final

from sms10692_contract.checks.brands import (
    credentials,
    document_forms,
    limits,
    queue_items,
    refusal_forms,
    refusal_texts,
    send_rules,
    text_signatures,
)
from sms10692_contract.learnable_keys import LearnableKey

_MODULES: Final = (
    refusal_forms,
    queue_items,
    document_forms,
    send_rules,
    text_signatures,
    credentials,
    limits,
    refusal_texts,
)

LEARNABLE: Final[tuple[LearnableKey, ...]] = tuple(
    sorted((row for module in _MODULES for row in module.LEARNABLE), key=lambda row: "." in row.key)
)
"""All keys that can be learned, in the order in which they are: texts last."""

BY_KEY: Final[Mapping[str, LearnableKey]] = {row.key: row for row in LEARNABLE}

NOT_LEARNABLE: Final[Mapping[str, tuple[str, str]]] = {
    key: reason for module in _MODULES for key, reason in module.NOT_LEARNABLE.items()
}
"""The other keys, and texts of causes, with the reason in English and Chinese."""
