"""Messages: what was sent, as it is sent.

Here belongs that page, and the first screen of an emulator to which nothing was sent yet.
"""

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.console.layout import base_url, page, shown_account
from sms10692_mock.admin.console.list_filters import seek_of
from sms10692_mock.admin.services import Control
from sms10692_mock.app.curl_example import curl_line


def add_messages(pages: Blueprint, control: Control) -> None:
    """Add the page."""

    @pages.get("/")
    def messages() -> ResponseReturnValue:
        account = shown_account(control)
        seek, is_filtered = seek_of("mobile", "text", "task_id", "state")
        found = control.traffic.messages(account.userid, seek)
        if request.headers.get("HX-Target") == "older":
            return Response(render_template("messages.rows.html", messages=found))
        return page(
            control,
            "messages",
            account,
            messages=found,
            is_filtered=is_filtered,
            queues=control.traffic.queues(account.userid),
            command=_command(control, account.userid) if not account.messages else "",
        )


def _command(control: Control, userid: str) -> str:
    vendor = control.vendor
    account = control.accounts.get(userid)
    now = None if vendor.max_clock_skew is None else vendor.now(account)
    return curl_line(base_url(), account, now)
