"""What `make compiled` makes machine code of: that it is that, or is not, as was asked for, and lets others go on.

Here belongs what is different there. That everything else is as it was, the other tests say, which it runs as well.
"""

import importlib
import os
import sys
import threading
import time
import tomllib
from pathlib import Path

import pytest

from emulators import MANUALS_MOMENT, options
from sms10692 import contract, signing
from sms10692_mock.answers import Sent
from sms10692_mock.calls import call_of
from sms10692_mock.options import vendor_of
from sms10692_mock.wire.forms import fields_of

PYPROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8"))
MODULES = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["modules"]
IS_DEMANDED = bool(os.environ.get("SMS10692_DEMAND_COMPILED"))


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_machine_code_where_that_was_demanded_and_its_source_elsewhere(name: str) -> None:
    file = importlib.import_module(name).__file__
    assert file is not None
    assert file.endswith(".py") != IS_DEMANDED


@pytest.mark.parametrize("long", ["&mobile=15023239810" + "," * 500_000, "&mobile=15023239810" + "&" * 500_000])
def test_others_have_their_turn_while_a_long_send_is_worked_through(long: str) -> None:
    chosen = options(lambda: MANUALS_MOMENT)
    vendor = vendor_of(chosen)
    sign = signing.sign("test", "mima", "20120701231212")
    form = f"action=send&userid=12&timestamp=20120701231212&sign={sign}&content=x{long}".encode()
    turns, done = 0, threading.Event()

    def take_turns() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            time.sleep(0)

    other = threading.Thread(target=take_turns)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    other.start()
    try:
        before = turns
        answer = vendor.answer(call_of(contract.V2SMS, fields_of(b"", "", form, bytes.decode))).answer
        after = turns
    finally:
        done.set()
        other.join()
        sys.setswitchinterval(interval)
    assert isinstance(answer, Sent)
    assert after - before > 10
