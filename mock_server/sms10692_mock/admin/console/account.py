"""Account page: balance, permissions, code snippets; creating, resetting and deleting accounts."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.console.chart import chart_bars
from sms10692_mock.admin.console.layout import (
    base_url,
    build_model,
    form_field,
    form_number,
    message_response,
    render_page,
    selected_account,
)
from sms10692_mock.admin.console.snippets import LANGUAGES, snippets
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import AccountPatch, NewAccount


def add_account(pages: Blueprint, control: ControlService) -> None:
    """Add the page and its forms."""

    @pages.get("/account")
    def account() -> ResponseReturnValue:
        shown = selected_account(control)
        profile = control.vendor.profile_of(control.accounts.get(shown.userid))
        spending = control.messages.spending(shown.userid)
        authentications = list(dict.fromkeys(endpoint.authentication for endpoint in control.endpoints))
        name = request.args.get("authentication")
        chosen = next((one for one in authentications if one.name == name), authentications[0])
        return render_page(
            control,
            "account",
            shown,
            spending=spending,
            chart=chart_bars(spending.points),
            snippets=snippets(shown, base_url(), chosen, profile),
            programs=LANGUAGES,
            authentications=authentications,
            chosen=chosen,
            profile_names=control.vendor.profiles().names,
            default_profile=control.vendor.default_profile.name,
            older_request=control.requests.last_with_password(shown.userid),
        )

    @pages.post("/account/top-up")
    def add_credit() -> ResponseReturnValue:
        points = form_number("points", whole=True)
        changed = control.accounts.update(selected_account(control).userid, build_model(AccountPatch, top_up=points))
        return message_response("account.credited", points=changed.points)

    @pages.post("/account/settings")
    def change_settings() -> ResponseReturnValue:
        patch = build_model(
            AccountPatch,
            can_read_queues="can_read_queues" in request.form,
            profile=request.form.get("profile"),
            password=form_field("password"),
        )
        control.accounts.update(selected_account(control).userid, patch)
        return message_response("account.saved")

    @pages.post("/account/reset")
    def reset_account() -> ResponseReturnValue:
        control.accounts.reset(selected_account(control).userid)
        return message_response("account.was_reset")

    @pages.post("/account/close")
    def delete_account() -> ResponseReturnValue:
        control.accounts.delete(selected_account(control).userid)
        return message_response("account.was_deleted", headers={"HX-Redirect": f"{request.script_root}/"})

    @pages.post("/account/new")
    def create_account() -> ResponseReturnValue:
        settings = build_model(
            NewAccount,
            points=form_number("points", whole=True),
            postpaid="postpaid" in request.form,
            can_read_queues="can_read_queues" in request.form,
            profile=form_field("profile"),
        )
        created = control.accounts.create(settings)
        return message_response(
            "account.created", headers={"HX-Redirect": url_for("console.account", userid=created.userid)}
        )
