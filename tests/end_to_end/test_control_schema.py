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

APP = create_app()
LOCAL = {"Host": "localhost", "Content-Type": "application/json"}
ADDRESSES = schemathesis.openapi.from_wsgi("/_mock/openapi.json", APP, headers=LOCAL)


@ADDRESSES.parametrize()
@settings(max_examples=10, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
def test_an_address_answers_as_it_is_described(case: schemathesis.Case[Any]) -> None:
    if case.path_parameters.get("userid", "") < "a":  # of the others, every second, there is no account
        made: Any = APP.test_client().post("/_mock/accounts", json={}).json
        case.path_parameters["userid"] = made["userid"]
    if "wait" in case.query:
        case.query["wait"] = 0
    response = case.call(headers=LOCAL)
    # Rules between two fields have no place in a schema, nor what the account has sent, and what it has already.
    beyond = ("Value error", "the record is no longer kept", "a balance is from")
    is_beyond_a_schema = response.status_code == 422 and any(words in response.text for words in beyond)
    case.validate_response(response, excluded_checks=[positive_data_acceptance] if is_beyond_a_schema else [])


def test_the_description_names_every_address() -> None:
    described = {path.replace("{", "<").replace("}", ">") for path in ADDRESSES.raw_schema["paths"]}
    of_the_description = ("openapi.", "swagger.")
    rules = [rule for rule in APP.url_map.iter_rules() if rule.rule.startswith("/_mock")]
    served = {rule.rule for rule in rules if not rule.endpoint.startswith(of_the_description)}
    assert served == described


def test_the_description_is_ordered_by_subject_with_ids_that_can_be_read() -> None:
    """What a generated client is made of: a class for each tag, a method for each id, an address."""
    document: Any = APP.test_client().get("/_mock/openapi.json", base_url="http://localhost:10692").json
    operations = [
        operation
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-z]+([A-Z][a-z]+)*", one) for one in ids)
    assert {"listMessages", "createAccount", "addReply", "advanceAccountClock", "getHealth"} <= set(ids)
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}
    assert tags == {tag for operation in operations for tag in operation["tags"]}
    assert {len(operation["tags"]) for operation in operations} == {1}
    assert document["servers"] == [{"url": "http://localhost:10692", "description": "this emulator"}]
    for page in protocol.ENDPOINTS:
        assert page.path in document["info"]["description"]
