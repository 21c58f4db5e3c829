"""What the examiner says it observed exists in both languages."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import sms10692_examine
from sms10692_examine.observations import Observation
from sms10692_examine.verdicts import CaseFailed

PACKAGE = Path(sms10692_examine.__file__).parent
TABLE = tomllib.loads((PACKAGE / "observations.zh.toml").read_text("utf-8"))
_POSITIONS = {"expect": 1, "expect_accepted": 1}
"""The argument that is the template, by function; of observations it is the first."""
_RAISED = (
    *("CaseFailed", "CaseWarning", "NotSupported", "NotJudged", "kind"),
    *("DriverError", "DriverNotStarted", "Observation", "Alteration"),
)


def find_templates() -> Iterator[tuple[str, ast.expr]]:
    """Yield the place and the template of each observation in the examiner's source."""
    for file in sorted(PACKAGE.rglob("*.py")):
        if file.parent.name == "drivers":
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) and node.args:
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name in _RAISED or name in _POSITIONS:
                    yield f"{file.name}:{node.lineno}", node.args[_POSITIONS.get(name, 0)]


def get_fields(template: str) -> list[tuple[str | None, str | None, str | None]]:
    return [(name, spec, conversion) for _, name, spec, conversion in Formatter().parse(template) if name is not None]


def test_each_observation_has_a_template_and_each_template_a_translation() -> None:
    used = set()
    for place, template in find_templates():
        if isinstance(template, ast.Name) and template.id == "observed":  # `expect` passes its own argument on
            continue
        assert isinstance(template, ast.Constant), f"{place}: the template is no literal text"
        used.add(str(template.value))
    assert len(used) > 100
    assert sorted(used - set(TABLE)) == []
    assert sorted(set(TABLE) - used) == []


def test_a_translation_has_the_values_of_its_template() -> None:
    for english, chinese in TABLE.items():
        fields, translated = get_fields(english), get_fields(chinese)
        order = [int(name) if name else index for index, (name, *_) in enumerate(translated)]
        assert sorted(order) == list(range(len(fields))), english
        assert [tuple(field[1:]) for field in translated] == [tuple(fields[index][1:]) for index in order], english
        assert chinese != english or not any(character.isalpha() for character in english), english


def test_values_that_are_observations_are_translated_too() -> None:
    failed = CaseFailed(
        "{}: {} items were processed twice, the first {}", Observation("after draining the queue"), 3, ["13800000001"]
    )
    assert str(failed) == "after draining the queue: 3 items were processed twice, the first ['13800000001']"
    assert failed.in_chinese() == "取完队列之后：处理了两次的有 3 条，第一条是 ['13800000001']"
