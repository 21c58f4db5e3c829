"""The testing handles and the control API have the same names: arguments, fields, operations, outcomes, states."""

import inspect
from dataclasses import fields
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from sms10692_mock import Emulator, EmulatorControl, SmsVendor
from sms10692_mock.admin.services import accounts, behaviour, message_documents, requests
from sms10692_mock.domain.delivery import OUTCOMES, OutcomeName
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.records import State
from sms10692_mock.testing import models
from sms10692_mock.testing.scope import ControlScope


@pytest.mark.parametrize(
    ("value", "document"),
    [
        (models.Message, message_documents.MessageDocument),
        (models.Report, message_documents.ReportDocument),
        (models.Reply, message_documents.ReplyDocument),
        (models.QueueCounts, message_documents.QueueStatsDocument),
        (models.Queues, message_documents.QueuesDocument),
        (models.Rule, behaviour.RuleDocument),
        (models.Fault, behaviour.FaultDocument),
        (Fault, behaviour.FaultDocument),
        (models.Finding, requests.FindingDocument),
    ],
)
def test_a_value_has_all_fields_of_its_document(value: type[Any], document: type[BaseModel]) -> None:
    assert [field.name for field in fields(value)] == list(document.model_fields)


@pytest.mark.parametrize(
    ("value", "document"),
    [(models.Request, requests.RequestDetail), (models.AccountInfo, accounts.AccountDocument)],
)
def test_a_value_has_a_subset_of_the_fields_of_its_document(value: type[Any], document: type[BaseModel]) -> None:
    assert {field.name for field in fields(value)} <= document.model_fields.keys()


@pytest.mark.parametrize(
    ("method", "document"),
    [
        (ControlScope.fault, behaviour.NewFault),
        (SmsVendor.rule, behaviour.RuleDocument),
        (EmulatorControl.account, accounts.NewAccount),
        (Emulator.account, accounts.NewAccount),
    ],
)
def test_a_method_has_all_arguments_of_the_control_api(method: Any, document: type[BaseModel]) -> None:
    assert set(inspect.signature(method).parameters) - {"self"} == document.model_fields.keys() - {"private_clock"}


def test_a_new_fault_has_all_fields_of_a_fault_that_can_be_chosen() -> None:
    chosen = behaviour.FaultDocument.model_fields.keys() - {"id", "evaluated", "triggered", "since", "preset"}
    assert behaviour.NewFault.model_fields.keys() == chosen


def test_outcomes_and_states_match_the_emulator() -> None:
    assert get_args(models.OutcomeName) == get_args(OutcomeName) == tuple(OUTCOMES)
    assert get_args(models.State) == get_args(State)
