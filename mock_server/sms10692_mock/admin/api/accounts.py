"""Routes about accounts, forbidden words and beginning anew."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import DONE, Failure, Nothing, OfAccount, json_of, routes
from sms10692_mock.admin.services import Control
from sms10692_mock.admin.services.accounts import (
    AccountDocument,
    AccountsDocument,
    AccountsSeek,
    NewAccount,
    Reset,
    Terms,
    Words,
)


def account_routes(control: Control) -> APIBlueprint:
    """The routes for one emulator."""
    api, accounts = routes("accounts"), control.accounts

    @api.post("/reset", summary="Begin anew, all or one account", responses={200: AccountsDocument})
    def reset(body: Reset) -> Response:
        return json_of(accounts.reset_these(body))

    @api.get("/accounts", summary="All accounts", responses={200: AccountsDocument})
    def list_accounts(query: AccountsSeek) -> Response:
        return json_of(accounts.all(query))

    @api.post("/accounts", summary="Make a throw-away account", responses={201: AccountDocument, 409: Failure})
    def create_account(body: NewAccount) -> Response:
        return json_of(accounts.make(body), 201)

    @api.get("/accounts/<userid>", summary="An account", responses={200: AccountDocument})
    def get_account(path: OfAccount) -> Response:
        return json_of(accounts.document(accounts.get(path.userid)))

    @api.patch("/accounts/<userid>", summary="Charge up, change terms", responses={200: AccountDocument})
    def update_account(path: OfAccount, body: Terms) -> Response:
        return json_of(accounts.change(path.userid, body))

    @api.delete("/accounts/<userid>", summary="Close an account", responses={200: Nothing})
    def delete_account(path: OfAccount) -> Response:
        accounts.close(path.userid)
        return json_of(DONE)

    @api.post("/accounts/<userid>/reset", summary="Let an account begin anew", responses={200: AccountDocument})
    def reset_account(path: OfAccount) -> Response:
        return json_of(accounts.reset(path.userid))

    @api.get("/keywords", summary="The forbidden words", responses={200: Words})
    def get_keywords() -> Response:
        return json_of(accounts.keywords())

    @api.put("/keywords", summary="Other forbidden words", responses={200: Words})
    def replace_keywords(body: Words) -> Response:
        return json_of(accounts.put_keywords(body))

    return api
