"""Profile page: every key of the profile in force for an account, and what differs from the manual."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.console.layout import language, render_page, selected_account
from sms10692_mock.admin.services import ControlService
from sms10692_mock.domain.profiles import KEYS, MANUAL
from sms10692_mock.profile_file import format_value


def add_profile(pages: Blueprint, control: ControlService) -> None:
    """Add the page."""

    @pages.get("/profile")
    def profile() -> ResponseReturnValue:
        account = selected_account(control)
        in_force = control.vendor.profile_of(control.accounts.get(account.userid))
        keys = [
            {
                "name": name,
                "value": format_value(getattr(in_force, name)),
                "manual": format_value(getattr(MANUAL, name)),
                "is_changed": name in in_force.differences,
                "provenance": spec.provenance,
                "grade": spec.grade,
                "meaning": spec.zh if language() == "zh" else spec.en,
            }
            for name, spec in KEYS.items()
        ]
        return render_page(control, "profile", account, keys=sorted(keys, key=lambda key: not key["is_changed"]))
