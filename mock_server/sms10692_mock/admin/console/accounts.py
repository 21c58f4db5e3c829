"""Accounts page and dialog: search the accounts, and show another one."""

from typing import Final

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.console.layout import PAGES, render_page, selected_account
from sms10692_mock.admin.services import ControlService

_MAX_ACCOUNTS: Final = 100
"""Accounts that are listed at a time."""


def add_accounts(pages: Blueprint, control: ControlService) -> None:
    """Add the page, and the list that the dialog shows."""

    @pages.get("/accounts")
    def accounts() -> ResponseReturnValue:
        account = selected_account(control)
        found, more = control.accounts.find(request.args.get("text", "").strip(), _MAX_ACCOUNTS)
        to = request.args.get("to", "")
        values = {"found": found, "more": more, "to": to if to in PAGES else PAGES[0]}
        if request.headers.get("HX-Target") == "accounts-found":
            return Response(render_template("accounts.live.html", account=account, **values))
        return render_page(control, "accounts", account, **values)
