"""The console: what a person may see and turn of the emulator, in a browser.

The list of its pages. What they show and do goes through `sms10692_mock.admin.services`, as the control API does.
"""

from flask import Flask

from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.admin.console.account import add_account
from sms10692_mock.admin.console.contract import add_contract
from sms10692_mock.admin.console.faults import add_faults
from sms10692_mock.admin.console.layout import console_pages
from sms10692_mock.admin.console.login import add_login
from sms10692_mock.admin.console.messages import add_messages
from sms10692_mock.admin.console.phone import add_phone
from sms10692_mock.admin.console.queues import add_queues
from sms10692_mock.admin.console.requests import add_requests
from sms10692_mock.admin.console.sse import add_event_stream
from sms10692_mock.admin.services import ControlService

_PAGES = (add_messages, add_phone, add_requests, add_queues, add_account, add_faults, add_contract, add_event_stream)


def add_console(app: Flask, control: ControlService, guard: AccessPolicy) -> None:
    """Serve the console of one emulator."""
    pages = console_pages(control, guard)
    for add in _PAGES:
        add(pages, control)
    add_login(pages, guard)
    app.register_blueprint(pages)
