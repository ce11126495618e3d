"""The bench's table of what confidences are worth."""

import pytest

from bench import reliability


def test_what_is_said_with_nine_tenths_and_always_wrong_is_an_error_of_nine_tenths(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reliability.table("wrong", [(0.9, False)] * 4)
    assert "expected calibration error 0.900" in capsys.readouterr().out


def test_what_is_right_as_often_as_it_was_said_has_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    reliability.table("right", [(0.5, True), (0.5, False), (1.0, True)])
    out = capsys.readouterr().out
    assert "| 0.4 to 0.6 | 2 | 0.50 | 0.50 |" in out
    assert "expected calibration error 0.000" in out
