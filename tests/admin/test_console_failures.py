"""Responses of the console while the store is unavailable, and after a defect of the emulator."""

import pytest

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores.memory.store import MemoryStore
from support.flask_emulator import FlaskEmulator

HTMX = {"HX-Request": "true", "Sec-Fetch-Site": "same-origin"}


class FailingStore(MemoryStore):
    """A store whose accounts cannot be read while there is an `error`."""

    error: Exception | None = None

    def account(self, userid: str) -> Account | None:
        if self.error is not None:
            raise self.error
        return super().account(userid)


@pytest.fixture
def store() -> FailingStore:
    return FailingStore()


@pytest.fixture
def emulator(store: FailingStore) -> FlaskEmulator:
    emulator = FlaskEmulator(store=store)
    emulator.app.config["PROPAGATE_EXCEPTIONS"] = False
    return emulator


@pytest.mark.parametrize("path", ["/", "/phone", "/requests", "/queues", "/account", "/faults", "/contract", "/send"])
@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (StoreUnavailable("<away>"), 503, "The store is unavailable: &lt;away&gt;."),
        (ZeroDivisionError("secret"), 500, "The emulator failed: this is a defect of its own."),
    ],
)
def test_a_page_that_cannot_be_shown_has_a_reason_and_a_way_back(
    emulator: FlaskEmulator, store: FailingStore, path: str, error: Exception, status: int, sentence: str
) -> None:
    store.error = error
    response = emulator.http.get(f"{path}?userid=12")
    assert (response.status_code, response.mimetype) == (status, "text/html")
    assert sentence in response.text
    assert "secret" not in response.text
    assert f'href="{path}?userid=12"' in response.text
    assert '<a class="button" href="/">' in response.text
    assert ("data-retries" in response.text) is (status == 503)
    store.error = None
    assert emulator.http.get(f"{path}?userid=12").status_code == 200


def test_a_failed_update_changes_no_row_and_a_failed_form_has_a_notice(
    emulator: FlaskEmulator, store: FailingStore
) -> None:
    store.error = StoreUnavailable("away")
    update = emulator.http.get("/", headers=HTMX | {"HX-Target": "live"})
    assert (update.status_code, update.text, update.headers.get("HX-Retarget")) == (503, "", None)
    form = emulator.http.post("/messages/delete", data={"number": "1"}, headers=HTMX | {"HX-Target": "notice"})
    assert (form.status_code, form.headers["HX-Retarget"]) == (503, "#notice")
    assert "The store is unavailable: away." in form.text
    assert emulator.http.get("/_mock/accounts/12").json == {"error": "the store is unavailable: away"}
