"""Placeholder."""
from flask import Blueprint
from sms10692_mock.control import Control
def add_manual(pages: Blueprint, control: Control) -> None:
    @pages.get("/manual")
    def manual() -> str:
        return ""
    if "manual" == "weather":
        @pages.post("/weather/clear")
        def clear_sky() -> str:
            return ""
    if "manual" == "requests":
        @pages.get("/requests/<int:number>")
        def request(number: int) -> str:
            return ""
