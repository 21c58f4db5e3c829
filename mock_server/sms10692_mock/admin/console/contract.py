"""Manual: the clauses, which of them are exact and which our reading, each with a button that tries it.

Here belongs that page. The clauses are `clauses`, what is sent `trials`.
"""

from itertools import groupby
from typing import Final

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.console.clause_demo import ServerUnreachable, address_of, load_demos, run_demo
from sms10692_mock.admin.console.clauses import clauses, readings
from sms10692_mock.admin.console.layout import render_page, selected_account, translated_message
from sms10692_mock.admin.services import ControlService

KINDS: Final = ("exact", "reading", "seen")
_GROUPS: Final = ("1", "2", "3", "4", "5", "requests", "readings", "observed", "crowds", "orders")


def add_contract(pages: Blueprint, control: ControlService) -> None:
    """Add the page."""

    @pages.get("/manual")
    def manual() -> ResponseReturnValue:
        kind = request.args.get("kind", "")
        fitting = (clause for clause in clauses() if kind not in KINDS or clause.kind == kind)
        shown = sorted(fitting, key=lambda clause: _GROUPS.index(clause.group))
        return render_page(
            control,
            "manual",
            selected_account(control),
            kind=kind,
            kinds=KINDS,
            counts={kind: sum(clause.kind == kind for clause in clauses()) for kind in KINDS},
            groups=[(group, list(some)) for group, some in groupby(shown, lambda clause: clause.group)],
            readings=readings(),
            trials=load_demos(),
        )

    @pages.post("/manual/try")
    def try_clause() -> ResponseReturnValue:
        clause = request.args.get("clause", "")
        if clause not in load_demos():
            abort(404)
        try:
            tried = run_demo(control, load_demos()[clause], address_of(request.environ))
        except ServerUnreachable as error:
            return translated_message("manual.nobody_listens", 503, why=str(error))
        return Response(render_template("manual.tried.html", tried=tried, clause=clause))
