"""Schemathesis against the served OpenAPI document: every operation responds as described."""

import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from sms10692 import protocol
from sms10692_mock.admin.app import create_app

pytestmark = pytest.mark.slow("Generates requests to every path of the control API with schemathesis.")


@schemathesis.serializer("application/toml")
def serialize_toml(_: object, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


APP = create_app()
LOCAL = {"Host": "localhost", "Content-Type": "application/json"}
OPERATIONS = schemathesis.openapi.from_wsgi("/_mock/openapi.json", APP, headers=LOCAL)


@OPERATIONS.parametrize()
@settings(max_examples=10, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_responds_as_described(case: schemathesis.Case[Any]) -> None:
    if case.path_parameters.get("userid", "") < "a":  # other userids stay unknown, for responses with 404
        created: Any = APP.test_client().post("/_mock/accounts", json={}).json
        case.path_parameters["userid"] = created["userid"]
    if "wait" in case.query:
        case.query["wait"] = 0
    response = case.call(headers=LOCAL)
    # A schema cannot express rules between two fields, rules that depend on the state of the account, and a grammar.
    not_in_schema = (
        *("Value error", "the record is no longer kept", "a balance is from", "not a request"),
        *("no profile is called", "name must be", "printable characters", "must be at most text_signature_max"),
        *("must be at most requests_per_minute", "must be at most verification_codes_per_day"),
        "does nothing without lock_out_after",
        ascii("无法识别这个请求")[1:-1],
        "state: line",
    )
    is_expected_refusal = response.status_code == 422 and any(message in response.text for message in not_in_schema)
    case.validate_response(response, excluded_checks=[positive_data_acceptance] if is_expected_refusal else [])


def test_the_description_contains_every_path() -> None:
    described = {path.replace("{", "<").replace("}", ">") for path in OPERATIONS.raw_schema["paths"]}
    description_endpoints = ("openapi.", "swagger.")
    rules = [rule for rule in APP.url_map.iter_rules() if rule.rule.startswith("/_mock")]
    served = {rule.rule for rule in rules if not rule.endpoint.startswith(description_endpoints)}
    assert served == described


def test_every_described_operation_has_one_tag_and_a_readable_unique_id() -> None:
    """Generated clients have a class for each tag, a method for each id, and the URL of the server."""
    document: Any = APP.test_client().get("/_mock/openapi.json", base_url="http://localhost:10692").json
    operations = [
        operation
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-z]+([A-Z][a-z]+)*", operation_id) for operation_id in ids)
    assert {"listMessages", "createAccount", "addReply", "advanceAccountClock", "getHealth"} <= set(ids)
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}
    assert tags == {tag for operation in operations for tag in operation["tags"]}
    assert {len(operation["tags"]) for operation in operations} == {1}
    assert document["servers"] == [{"url": "http://localhost:10692", "description": "this emulator"}]
    for endpoint in protocol.ENDPOINTS:
        assert endpoint.path in document["info"]["description"]


def test_an_operation_id_contains_the_last_word_of_its_path() -> None:
    document: Any = APP.test_client().get("/_mock/openapi.json", base_url="http://localhost:10692").json
    for path, methods in document["paths"].items():
        last_word = re.split(r"[/-]", re.sub(r"/\{[^}]*\}$", "", path))[-1]
        stem = last_word.removesuffix("ies").removesuffix("s").removesuffix("e")
        for operation in methods.values():
            assert stem in operation["operationId"].lower(), (path, operation["operationId"])
