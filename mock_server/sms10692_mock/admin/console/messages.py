"""Messages page: the sent messages, or a command that sends the first one."""

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from sms10692 import protocol
from sms10692_mock.admin.console.layout import (
    base_url,
    error_page,
    form_number,
    message_response,
    render_page,
    selected_account,
)
from sms10692_mock.admin.console.list_filters import MESSAGE_FILTERS, query_from_url
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.messages import NoSuchMessage
from sms10692_mock.admin.services.schemas import MessageQuery
from sms10692_mock.app.curl_example import example_curl, example_curl_with_password
from sms10692_mock.domain.bounds import MAX_NUMBER


def add_messages(pages: Blueprint, control: ControlService) -> None:
    """Add the page."""

    @pages.get("/")
    def messages() -> ResponseReturnValue:
        account = selected_account(control)
        query, is_filtered = query_from_url(MessageQuery, *MESSAGE_FILTERS)
        page = control.messages.messages(account.userid, query)
        if request.headers.get("HX-Target") == "older":
            return Response(render_template("messages.rows.html", messages=page, account=account))
        return render_page(
            control,
            "messages",
            account,
            messages=page,
            is_filtered=is_filtered,
            queue_stats=control.messages.queue_stats(account.userid),
            commands=_first_commands(control, account.userid)
            if not account.messages and control.requests.may_show_secrets()
            else [],
        )

    @pages.post("/messages/delete")
    def delete_message() -> ResponseReturnValue:
        account, number = selected_account(control), form_number("number", whole=True) or 0
        control.messages.delete(account.userid, number if 0 < number <= MAX_NUMBER else 0)
        return message_response("messages.deleted", number=number)

    @pages.post("/messages/delete-all")
    def delete_messages() -> ResponseReturnValue:
        account = selected_account(control)
        control.messages.delete_all(account.userid)
        return message_response("messages.all_deleted", userid=account.userid)

    @pages.post("/messages/delete-of-all-accounts")
    def delete_messages_of_all_accounts() -> ResponseReturnValue:
        control.messages.delete_of_all_accounts()
        return message_response("messages.all_accounts_deleted")

    @pages.errorhandler(NoSuchMessage)
    def no_such_message(error: NoSuchMessage) -> ResponseReturnValue:
        return error_page(control, 404, "error.no_message", number=str(error))


def _first_commands(control: ControlService, userid: str) -> list[str]:
    """Return the signed command, and the one with the password if the older endpoints are served.

    There is none for a reader who may not see passwords.
    """
    if not control.accounts.may_show_passwords():
        return []
    vendor = control.vendor
    account = control.accounts.get(userid)
    profile = vendor.profile_of(account)
    now = None if profile.max_clock_skew is None else vendor.now(account)
    commands = [example_curl(base_url(), account, now, profile)]
    if protocol.SMS in control.endpoints:
        commands.append(example_curl_with_password(base_url(), account, profile))
    return commands
