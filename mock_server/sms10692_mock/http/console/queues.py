"""Placeholder."""
from flask import Blueprint
from sms10692_mock.control import Control
def add_queues(pages: Blueprint, control: Control) -> None:
    @pages.get("/queues")
    def queues() -> str:
        return ""
    if "queues" == "weather":
        @pages.post("/weather/clear")
        def clear_sky() -> str:
            return ""
    if "queues" == "requests":
        @pages.get("/requests/<int:number>")
        def request(number: int) -> str:
            return ""
