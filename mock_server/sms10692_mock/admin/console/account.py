"""Account: what it has, what it may, and what a program needs to use it.

Here belongs that page: charging up, permissions, snippets, new accounts. What is charged for is `control.traffic`'s.
"""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.console.chart import bars
from sms10692_mock.admin.console.layout import base_url, document, given, number, page, said, shown_account
from sms10692_mock.admin.console.snippets import LANGUAGES, snippets
from sms10692_mock.admin.services import Control
from sms10692_mock.admin.services.accounts import NewAccount, Terms


def add_account(pages: Blueprint, control: Control) -> None:
    """Add the page."""

    @pages.get("/account")
    def account() -> ResponseReturnValue:
        shown = shown_account(control)
        charges = control.traffic.charges(shown.userid)
        return page(
            control,
            "account",
            shown,
            charges=charges,
            chart=bars(charges.points),
            snippets=snippets(shown, base_url()),
            programs=LANGUAGES,
        )

    @pages.post("/account/charge")
    def charge() -> ResponseReturnValue:
        points = number("points", whole=True)
        after = control.accounts.change(shown_account(control).userid, document(Terms, charge=points))
        return said("account.said_charged", points=after.points)

    @pages.post("/account/terms")
    def terms() -> ResponseReturnValue:
        wanted = document(
            Terms,
            may_read_reports="may_read_reports" in request.form,
            dialect=given("dialect"),
            password=given("password"),
        )
        control.accounts.change(shown_account(control).userid, wanted)
        return said("account.said_terms")

    @pages.post("/account/reset")
    def reset() -> ResponseReturnValue:
        control.accounts.reset(shown_account(control).userid)
        return said("account.said_reset")

    @pages.post("/account/close")
    def close() -> ResponseReturnValue:
        control.accounts.close(shown_account(control).userid)
        return said("account.said_closed", headers={"HX-Redirect": "/"})

    @pages.post("/account/new")
    def make() -> ResponseReturnValue:
        wanted = document(
            NewAccount,
            points=number("points", whole=True),
            postpaid="postpaid" in request.form,
            may_read_reports="may_read_reports" in request.form,
        )
        made = control.accounts.make(wanted)
        return said("account.said_made", headers={"HX-Redirect": url_for("console.account", userid=made.userid)})
