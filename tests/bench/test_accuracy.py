"""The accuracy bench's command line."""

import pytest

from bench import accuracy


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ([], "--data"),
        (["--data", "d", "--essentia", "python"], "--anchors"),
        (["--made", "1", "--anchors"], "--data"),
    ],
)
def test_what_would_not_be_asked_is_refused(
    given: list[str], missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["accuracy.py", *given])
    with pytest.raises(SystemExit, match="2"):
        accuracy.main()
    assert f"give {missing}" in capsys.readouterr().err
