"""Contract page: the clauses of the API and the numbered readings, each with a button that demonstrates it."""

from itertools import groupby
from typing import Any, Final

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.console.clause_demo import DemoResult, is_as_expected, load_demos, run_demo
from sms10692_mock.admin.console.clauses import clauses, readings
from sms10692_mock.admin.console.layout import message_response, render_page, selected_account
from sms10692_mock.admin.console.own_server import ServerUnreachable, find_server
from sms10692_mock.admin.services import ControlService

PROVENANCES: Final = ("manual", "observed", "reading", "ours")
_GROUPS: Final = (
    *("1", "2", "3", "4", "5"),
    *("requests", "readings", "observed", "layout", "crowds", "orders", "model", "older", "brands"),
)
"""Groups of clauses, in the order of the page."""


def add_contract(pages: Blueprint, control: ControlService) -> None:
    """Add the page and its demos."""

    @pages.get("/contract")
    def contract() -> ResponseReturnValue:
        provenance = request.args.get("provenance", "")
        is_filtered = provenance in PROVENANCES
        selected = (clause for clause in clauses() if not is_filtered or clause.provenance == provenance)
        ordered = sorted(selected, key=lambda clause: _GROUPS.index(clause.group))
        return render_page(
            control,
            "contract",
            selected_account(control),
            provenance=provenance,
            provenances=PROVENANCES,
            counts={name: sum(clause.provenance == name for clause in clauses()) for name in PROVENANCES},
            groups=[(group, list(members)) for group, members in groupby(ordered, lambda clause: clause.group)],
            readings=readings(),
            observed=sum(clause.last_observed is not None for clause in clauses()),
            count=len(clauses()),
            demos=load_demos(),
        )

    @pages.post("/contract/try")
    def try_clause() -> ResponseReturnValue:
        clause = request.args.get("clause", "")
        if clause not in load_demos():
            abort(404)
        try:
            results = run_demo(control, load_demos()[clause], find_server(request.environ))
        except ServerUnreachable as error:
            return message_response("contract.unreachable", 503, reason=str(error))
        return Response(render_template("contract.result.html", **_judge(clause, results)))

    @pages.post("/contract/try-all")
    def try_group() -> ResponseReturnValue:
        group = request.args.get("group", "")
        if group not in _GROUPS:
            abort(404)
        selected = [clause for clause in clauses() if clause.group == group]
        server, results = find_server(request.environ), {}
        try:
            for clause in selected:
                demo = load_demos()[clause.id]
                if demo.clauses[0] not in results:
                    results[demo.clauses[0]] = run_demo(control, demo, server)
        except ServerUnreachable as error:
            return message_response("contract.unreachable", 503, reason=str(error))
        judged = [_judge(clause.id, results[load_demos()[clause.id].clauses[0]]) for clause in selected]
        return Response(render_template("contract.results.html", judged=judged))

    def _judge(clause: str, results: list[DemoResult]) -> dict[str, Any]:
        """Return the values of the template that shows the verdict on a clause."""
        return {
            "clause": clause,
            "results": results,
            "is_as_expected": is_as_expected(results),
            "has_faults": bool(control.behaviour.active_faults(None)),
        }
