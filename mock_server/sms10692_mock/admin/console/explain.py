"""Explain page: paste a request as text, and read what is wrong with it. Nothing is sent or stored."""

from typing import Final

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.console.layout import (
    build_model,
    form_field,
    is_htmx,
    language,
    render_page,
    selected_account,
    translate,
)
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.requests import ExplanationDocument, FindingDocument, PastedText
from sms10692_mock.diagnosis.messages import MESSAGES, fill_in
from sms10692_mock.diagnosis.pasted import NotARequest
from sms10692_mock.diagnosis.translations import in_chinese


def add_explain(pages: Blueprint, control: ControlService) -> None:
    """Add the page and its form."""

    @pages.route("/explain", methods=["GET", "POST"])
    def explain() -> ResponseReturnValue:
        text = (form_field("request") or "") if request.method == "POST" else ""
        explanation: ExplanationDocument | None = None
        problem, chosen = "", form_field("profile")
        try:
            if text.strip():
                explanation = control.requests.explain(build_model(PastedText, request=text, profile=chosen))
        except NotARequest as error:
            problem = translate("explain.not_a_request", reason=error.describe(language()))
        requests = (*explanation.further_requests, explanation) if explanation else ()
        values = {
            "explanation": explanation,
            "requests": [(each, [(finding, finding_text(finding)) for finding in each.diagnosis]) for each in requests],
            "problem": problem,
            "pasted": text,
            "profile_names": control.vendor.profiles().names,
            "chosen_profile": chosen,
        }
        if is_htmx() and request.method == "POST":
            return Response(render_template("explain.live.html", **values))
        return render_page(control, "explain", selected_account(control), **values)


def finding_text(finding: FindingDocument) -> str:
    """Return the sentence of a finding in the language of this request."""
    values = finding.values
    if finding.code in _FAULT_CODES:  # the page calls a fault by its label everywhere
        values = [translate(f"fault.{values[0]}"), *values[1:]]
    return in_chinese(finding.code, *values) if language() == "zh" else fill_in(MESSAGES[finding.code], values)


_FAULT_CODES: Final = ("http.fault", "http.fault-unlimited", "refusal.fault", "refusal.fault-unlimited")
"""Codes of findings whose first value is a kind of fault."""
