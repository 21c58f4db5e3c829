"""Placeholder."""
from flask import Blueprint
from sms10692_mock.control import Control
def add_account(pages: Blueprint, control: Control) -> None:
    @pages.get("/account")
    def account() -> str:
        return ""
    if "account" == "weather":
        @pages.post("/weather/clear")
        def clear_sky() -> str:
            return ""
    if "account" == "requests":
        @pages.get("/requests/<int:number>")
        def request(number: int) -> str:
            return ""
