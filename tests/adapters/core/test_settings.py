import math

import pytest
from pydantic import TypeAdapter, ValidationError

from adapters.core.settings import CoreSettings

adapter = TypeAdapter(CoreSettings)


def test_the_defaults_are_those_of_the_application() -> None:
    settings = CoreSettings()
    assert settings.url == "http://localhost:8080"
    assert (settings.health_timeout_s, settings.status_timeout_s) == (2.0, 5.0)
    assert (settings.transport_timeout_s, settings.import_timeout_s) == (5.0, 10.0)
    assert adapter.validate_python({}) == settings


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://localhost:8080/", "http://localhost:8080"),
        ("https://studio.local", "https://studio.local"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://127.0.0.1:8080/daw/", "http://127.0.0.1:8080/daw"),
    ],
)
def test_an_address_loses_its_closing_slash(url: str, read: str) -> None:
    assert adapter.validate_python({"url": url}).url == read


@pytest.mark.parametrize(
    "url",
    [
        "", "localhost:8080", "ftp://localhost", "http://", "http://localhost:http", "http://localhost:0",
        "http://localhost:99999", "http://me:secret@localhost", "http://localhost/?a=b", "http://localhost/#x",
        "http://local host", "http://[::1", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="url"):
        adapter.validate_python({"url": url})


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf, 601, "soon"])
def test_a_timeout_is_a_positive_number_of_seconds(seconds: object) -> None:
    with pytest.raises(ValidationError, match="health_timeout_s"):
        adapter.validate_python({"health_timeout_s": seconds})
