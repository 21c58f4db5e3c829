"""Placeholder."""
from flask import Blueprint
from sms10692_mock.control import Control
def add_weather(pages: Blueprint, control: Control) -> None:
    @pages.get("/weather")
    def weather() -> str:
        return ""
    if "weather" == "weather":
        @pages.post("/weather/clear")
        def clear_sky() -> str:
            return ""
    if "weather" == "requests":
        @pages.get("/requests/<int:number>")
        def request(number: int) -> str:
            return ""
