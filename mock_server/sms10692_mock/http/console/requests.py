"""Placeholder."""
from flask import Blueprint
from sms10692_mock.control import Control
def add_requests(pages: Blueprint, control: Control) -> None:
    @pages.get("/requests")
    def requests() -> str:
        return ""
    if "requests" == "weather":
        @pages.post("/weather/clear")
        def clear_sky() -> str:
            return ""
    if "requests" == "requests":
        @pages.get("/requests/<int:number>")
        def request(number: int) -> str:
            return ""
