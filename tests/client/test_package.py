"""What `import sms10692` gives, in whatever order it is imported, and what can be done with its values.

Here belongs the package as a whole.
"""

import copy
import pickle
import subprocess
import sys
from typing import Any

import pytest

import sms10692
from sms10692 import ConnectionFailed, InvalidResponse, RawResponse, SpoolError, UnencodableText, VendorRefusal

REPLY = RawResponse(200, {"content-type": "text/xml"}, b"<returnsms>")


@pytest.mark.parametrize(
    "first",
    [
        "from sms10692 import *",
        "from sms10692 import Segments, count_segments",
        "import sms10692.cli",
        "import sms10692.segmentation, sms10692.responses, sms10692.spool, sms10692.bulk",
        "pass",
    ],
)
def test_every_name_is_what_it_says_whatever_was_imported_before(first: str) -> None:
    program = f"{first}\nimport sms10692\nprint(*(type(getattr(sms10692, n)).__name__ for n in sms10692.__all__))"
    kinds = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert len(kinds) == len(sms10692.__all__)
    assert "module" not in kinds


def test_every_public_name_is_listed_before_it_is_used() -> None:
    program = "import sms10692, sys; sys.exit(not set(sms10692.__all__) <= set(dir(sms10692)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_name_that_is_none_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        sms10692.nonsense  # noqa: B018 - looking it up is the test


@pytest.mark.parametrize(
    "error",
    [
        VendorRefusal("参数不正确", 4, REPLY),
        InvalidResponse("not valid XML", REPLY),
        ConnectionFailed("ReadTimeout", sent=True),
        SpoolError("No space left on device", REPLY),
        UnencodableText("好😀", "gbk", [(1, "😀")]),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("through", [lambda one: pickle.loads(pickle.dumps(one)), copy.copy], ids=["pickle", "copy"])  # noqa: S301
def test_an_error_arrives_whole_from_another_process(error: Any, through: Any) -> None:
    again = through(error)
    assert type(again) is type(error)
    assert (str(again), vars(again)) == (str(error), vars(error))
