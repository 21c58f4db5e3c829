"""The JSON body of a request to the control API.

flask-openapi3 reads it with `get_json(silent=True)` and validates what comes back; `JsonRequest` takes the place of
Flask's request for that.
"""

from typing import Any

from flask import Request
from werkzeug.exceptions import UnprocessableEntity


class JsonRequest(Request):
    """A request of which an absent body is an empty document, so that a POST without wishes needs none."""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The document, or None where it is not JSON and `silent`. Raises UnprocessableEntity where it is too deep."""
        if not self.get_data():
            return {}
        try:
            return super().get_json(force=force, silent=silent, cache=cache)
        except RecursionError:
            raise UnprocessableEntity("the body: JSON that is nested too deeply") from None
