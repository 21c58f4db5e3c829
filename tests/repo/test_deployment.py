"""What docs/deployment.md says is true: its configurations are read by the programs for which they are."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sms10692_mock.admin.app import create_app

DOCS = Path(__file__).parents[2] / "docs"
EACH_LANGUAGE = pytest.mark.parametrize("suffix", [".md", ".zh-CN.md"], ids=["English", "Chinese"])


def read(suffix: str) -> str:
    return (DOCS / f"deployment{suffix}").read_text("utf-8")


def find_blocks(suffix: str, language: str) -> list[str]:
    """The blocks of this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", read(suffix), re.MULTILINE | re.DOTALL)


def test_both_languages_have_the_same_blocks() -> None:
    for language in ("sh", "yaml", "ini", "toml"):
        assert find_blocks(".md", language) == find_blocks(".zh-CN.md", language)


@EACH_LANGUAGE
def test_the_scrape_configuration_reads_the_metrics(suffix: str) -> None:
    (configuration,) = find_blocks(suffix, "yaml")
    (job,) = yaml.safe_load(configuration)["scrape_configs"]
    assert set(job["authorization"]) == {"credentials_file"}
    assert job["static_configs"] == [{"targets": ["127.0.0.1:10692"]}]
    assert create_app().test_client().get(job["metrics_path"]).mimetype == "text/plain"


@EACH_LANGUAGE
def test_every_metric_is_in_the_table_with_its_labels(suffix: str) -> None:
    client = create_app().test_client()
    client.post("/v2sms.aspx", data={"action": "send"})
    described: Any = re.findall(r"^# TYPE (\w+) ", client.get("/_mock/metrics").text, re.MULTILINE)
    own = {name for name in described if not name.startswith("process_")}
    assert own == set(re.findall(r"^\| `(sms10692_mock_\w+)`", read(suffix), re.MULTILINE))
