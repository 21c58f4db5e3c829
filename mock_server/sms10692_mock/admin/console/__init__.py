"""The console: what a person may see and turn of the emulator, in a browser.

The list of its pages. What they show and do goes through `sms10692_mock.admin.services`, as the control API does.
"""

from flask import Flask

from sms10692_mock.admin.auth import Guard
from sms10692_mock.admin.console.account import add_account
from sms10692_mock.admin.console.contract import add_manual
from sms10692_mock.admin.console.faults import add_weather
from sms10692_mock.admin.console.layout import console_pages
from sms10692_mock.admin.console.login import add_login
from sms10692_mock.admin.console.messages import add_messages
from sms10692_mock.admin.console.phone import add_handset
from sms10692_mock.admin.console.queues import add_queues
from sms10692_mock.admin.console.requests import add_requests
from sms10692_mock.admin.console.sse import add_live
from sms10692_mock.admin.services import Control

_PAGES = (add_messages, add_handset, add_requests, add_queues, add_account, add_weather, add_manual, add_live)


def add_console(app: Flask, control: Control, guard: Guard) -> None:
    """Serve the console of one emulator."""
    pages = console_pages(control, guard)
    for add in _PAGES:
        add(pages, control)
    add_login(pages, guard)
    app.register_blueprint(pages)
