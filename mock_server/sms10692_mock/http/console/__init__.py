"""The console: what a person may see and turn of the emulator, in a browser.

Here belongs which pages there are. What they show and do goes through `sms10692_mock.control`, as everything that
the control address does.
"""

from flask import Flask

from sms10692_mock.control import Control
from sms10692_mock.http.console.account import add_account
from sms10692_mock.http.console.frame import console_pages
from sms10692_mock.http.console.handset import add_handset
from sms10692_mock.http.console.live import add_live
from sms10692_mock.http.console.login import add_login
from sms10692_mock.http.console.manual import add_manual
from sms10692_mock.http.console.messages import add_messages
from sms10692_mock.http.console.queues import add_queues
from sms10692_mock.http.console.requests import add_requests
from sms10692_mock.http.console.weather import add_weather
from sms10692_mock.http.guard import Guard

_PAGES = (add_messages, add_handset, add_requests, add_queues, add_account, add_weather, add_manual, add_live)


def add_console(app: Flask, control: Control, guard: Guard) -> None:
    """Serve the console of one emulator."""
    pages = console_pages(control, guard)
    for add in _PAGES:
        add(pages, control)
    add_login(pages, guard)
    app.register_blueprint(pages)
