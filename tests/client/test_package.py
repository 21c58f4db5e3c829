"""The package `sms10692` as a whole: its public names in any import order, and pickling of its exceptions."""

import copy
import pickle
import subprocess
import sys
from typing import Any

import pytest

import sms10692
from sms10692 import ConnectionFailed, InvalidResponse, RawResponse, SpoolError, UnencodableText, VendorRefusal

RESPONSE = RawResponse(200, {"content-type": "text/xml"}, b"<returnsms>")


@pytest.mark.parametrize(
    "first_import",
    [
        "from sms10692 import *",
        "from sms10692 import Segments, count_segments",
        "import sms10692.cli.main",
        "import sms10692.segmentation, sms10692.responses, sms10692.spool, sms10692.bulk",
        "pass",
    ],
)
def test_no_public_name_is_shadowed_by_a_module(first_import: str) -> None:
    program = (
        f"{first_import}\nimport sms10692\nprint(*(type(getattr(sms10692, n)).__name__ for n in sms10692.__all__))"
    )
    kinds = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert len(kinds) == len(sms10692.__all__)
    assert "module" not in kinds


def test_dir_lists_every_public_name_before_its_first_use() -> None:
    program = "import sms10692, sys; sys.exit(not set(sms10692.__all__) <= set(dir(sms10692)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_an_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        sms10692.nonsense  # noqa: B018 - the access is the test


@pytest.mark.parametrize(
    "error",
    [
        VendorRefusal("参数不正确", 4, RESPONSE),
        InvalidResponse("not valid XML", RESPONSE),
        ConnectionFailed("ReadTimeout", maybe_delivered=True),
        SpoolError("No space left on device", RESPONSE),
        UnencodableText("好😀", "gbk", [(1, "😀")]),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize(
    "duplicate",
    [lambda error: pickle.loads(pickle.dumps(error)), copy.copy],  # noqa: S301 - data of this test
    ids=["pickle", "copy"],
)
def test_an_exception_survives_pickling_and_copying(error: Any, duplicate: Any) -> None:
    result = duplicate(error)
    assert type(result) is type(error)
    assert (str(result), vars(result)) == (str(error), vars(error))
