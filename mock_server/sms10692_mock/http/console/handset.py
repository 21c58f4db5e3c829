"""Placeholder."""
from flask import Blueprint
from sms10692_mock.control import Control
def add_handset(pages: Blueprint, control: Control) -> None:
    @pages.get("/handset")
    def handset() -> str:
        return ""
    if "handset" == "weather":
        @pages.post("/weather/clear")
        def clear_sky() -> str:
            return ""
    if "handset" == "requests":
        @pages.get("/requests/<int:number>")
        def request(number: int) -> str:
            return ""
