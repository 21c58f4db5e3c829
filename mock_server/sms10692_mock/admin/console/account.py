"""Account: what it has, what it may, and what a program needs to use it.

Here belongs that page: charging up, permissions, snippets, new accounts. What is charged for is `control.traffic`'s.
"""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.console.chart import chart_bars
from sms10692_mock.admin.console.layout import (
    base_url,
    build_model,
    form_field,
    form_number,
    render_page,
    selected_account,
    translated_message,
)
from sms10692_mock.admin.console.snippets import LANGUAGES, snippets
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import AccountPatch, NewAccount


def add_account(pages: Blueprint, control: ControlService) -> None:
    """Add the page."""

    @pages.get("/account")
    def account() -> ResponseReturnValue:
        shown = selected_account(control)
        charges = control.traffic.charges(shown.userid)
        return render_page(
            control,
            "account",
            shown,
            charges=charges,
            chart=chart_bars(charges.points),
            snippets=snippets(shown, base_url()),
            programs=LANGUAGES,
        )

    @pages.post("/account/charge")
    def charge() -> ResponseReturnValue:
        points = form_number("points", whole=True)
        after = control.accounts.change(selected_account(control).userid, build_model(AccountPatch, charge=points))
        return translated_message("account.said_charged", points=after.points)

    @pages.post("/account/terms")
    def terms() -> ResponseReturnValue:
        wanted = build_model(
            AccountPatch,
            may_read_reports="may_read_reports" in request.form,
            dialect=form_field("dialect"),
            password=form_field("password"),
        )
        control.accounts.change(selected_account(control).userid, wanted)
        return translated_message("account.said_terms")

    @pages.post("/account/reset")
    def reset() -> ResponseReturnValue:
        control.accounts.reset(selected_account(control).userid)
        return translated_message("account.said_reset")

    @pages.post("/account/close")
    def close() -> ResponseReturnValue:
        control.accounts.delete(selected_account(control).userid)
        return translated_message("account.said_closed", headers={"HX-Redirect": "/"})

    @pages.post("/account/new")
    def make() -> ResponseReturnValue:
        wanted = build_model(
            NewAccount,
            points=form_number("points", whole=True),
            postpaid="postpaid" in request.form,
            may_read_reports="may_read_reports" in request.form,
        )
        made = control.accounts.create(wanted)
        return translated_message(
            "account.said_made", headers={"HX-Redirect": url_for("console.account", userid=made.userid)}
        )
