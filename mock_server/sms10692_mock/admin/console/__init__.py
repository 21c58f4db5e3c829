"""Console: the emulator's pages for browsers.

This module lists the pages. They read and change the emulator through `sms10692_mock.admin.services`, like the control
API.
"""

from flask import Flask

from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.admin.console.account import add_account
from sms10692_mock.admin.console.accounts import add_accounts
from sms10692_mock.admin.console.contract import add_contract
from sms10692_mock.admin.console.explain import add_explain
from sms10692_mock.admin.console.exports import add_exports
from sms10692_mock.admin.console.faults import add_faults
from sms10692_mock.admin.console.layout import console_pages
from sms10692_mock.admin.console.login import add_login
from sms10692_mock.admin.console.messages import add_messages
from sms10692_mock.admin.console.phone import add_phone
from sms10692_mock.admin.console.profile import add_profile
from sms10692_mock.admin.console.queues import add_queues
from sms10692_mock.admin.console.replay import add_replay
from sms10692_mock.admin.console.requests import add_requests
from sms10692_mock.admin.console.send import add_send
from sms10692_mock.admin.console.sse import add_event_stream
from sms10692_mock.admin.services import ControlService

_PAGES = (
    *(add_messages, add_phone, add_requests, add_queues, add_account, add_faults, add_contract, add_explain),
    add_profile,
    add_send,
    add_accounts,
    add_exports,
    add_replay,
    add_event_stream,
)


def add_console(app: Flask, control: ControlService, policy: AccessPolicy) -> None:
    """Add the console of one emulator to the application."""
    pages = console_pages(control, policy)
    for add_page in _PAGES:
        add_page(pages, control)
    add_login(pages, policy)
    app.register_blueprint(pages)
