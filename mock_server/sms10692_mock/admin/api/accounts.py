"""Routes of accounts, forbidden words and reset."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import EMPTY, AccountPath, Empty, ErrorBody, blueprint, json_response
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import (
    AccountDocument,
    AccountPatch,
    AccountQuery,
    AccountsDocument,
    ForbiddenWords,
    NewAccount,
    ResetOptions,
)


def account_routes(control: ControlService, is_described: bool) -> APIBlueprint:
    """Build the routes for one emulator."""
    api, accounts = blueprint("accounts", is_described), control.accounts

    @api.post("/reset", summary="Reset the emulator or one account", responses={200: AccountsDocument})
    def reset(body: ResetOptions) -> Response:
        return json_response(accounts.reset_many(body))

    @api.get("/accounts", summary="List accounts", responses={200: AccountsDocument})
    def list_accounts(query: AccountQuery) -> Response:
        return json_response(accounts.list_accounts(query))

    @api.post("/accounts", summary="Create a temporary account", responses={201: AccountDocument, 409: ErrorBody})
    def create_account(body: NewAccount) -> Response:
        return json_response(accounts.create(body), 201)

    @api.get("/accounts/<userid>", summary="Get an account", responses={200: AccountDocument})
    def get_account(path: AccountPath) -> Response:
        return json_response(accounts.to_document(accounts.get(path.userid)))

    @api.patch(
        "/accounts/<userid>", summary="Add credit, set the balance, change settings", responses={200: AccountDocument}
    )
    def update_account(path: AccountPath, body: AccountPatch) -> Response:
        return json_response(accounts.update(path.userid, body))

    @api.delete("/accounts/<userid>", summary="Delete an account", responses={200: Empty})
    def delete_account(path: AccountPath) -> Response:
        accounts.delete(path.userid)
        return json_response(EMPTY)

    @api.post("/accounts/<userid>/reset", summary="Reset an account", responses={200: AccountDocument})
    def reset_account(path: AccountPath) -> Response:
        return json_response(accounts.reset(path.userid))

    @api.get("/keywords", summary="Get the forbidden words", responses={200: ForbiddenWords})
    def get_keywords() -> Response:
        return json_response(accounts.forbidden_words())

    @api.put("/keywords", summary="Replace the forbidden words", responses={200: ForbiddenWords})
    def replace_keywords(body: ForbiddenWords) -> Response:
        return json_response(accounts.set_forbidden_words(body))

    return api
