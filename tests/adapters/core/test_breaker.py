from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.breaker import JITTER, LONGEST_PAUSE_S, Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def breaker(clock: Callable[[], float], draw: float = 0.5) -> Breaker:
    return Breaker(3, 5.0, clock=clock, draw=lambda: draw)


def opened(clock: Callable[[], float], draw: float = 0.5) -> Breaker:
    it = breaker(clock, draw)
    for _ in range(3):
        assert it.admit() is None
        it.failed()
    return it


def test_it_opens_after_three_failures_in_a_row() -> None:
    it = breaker(Clock())
    states = []
    for _ in range(3):
        it.failed()
        states.append(it.state)
    assert states == ["closed", "closed", "open"]


def test_a_success_between_failures_keeps_it_closed() -> None:
    it = breaker(Clock())
    for outcome in (it.failed, it.failed, it.succeeded, it.failed, it.failed):
        outcome()
    assert it.state == "closed"


def test_while_open_it_says_how_long_to_wait() -> None:
    clock = Clock()
    it = opened(clock)
    assert it.admit() == pytest.approx(5.0)
    clock.now += 3
    assert it.admit() == pytest.approx(2.0)


def test_after_the_pause_one_trial_is_let_through() -> None:
    clock = Clock()
    it = opened(clock)
    clock.now += 5.1
    assert it.admit() is None
    assert it.state == "half-open"
    assert it.admit() is not None


def test_a_trial_that_succeeds_closes_it() -> None:
    clock = Clock()
    it = opened(clock)
    clock.now += 5.1
    it.admit()
    it.succeeded()
    assert it.state == "closed"
    assert it.admit() is None


def test_a_trial_that_fails_doubles_the_pause_up_to_half_a_minute() -> None:
    clock = Clock()
    it = opened(clock)
    waits = []
    for _ in range(5):
        clock.now += 60
        it.admit()
        it.failed()
        waits.append(it.wait_s())
    assert waits == pytest.approx([10, 20, 30, 30, 30])


def test_a_trial_without_outcome_goes_to_the_next_caller() -> None:
    clock = Clock()
    it = opened(clock)
    clock.now += 5.1
    it.admit()
    it.inconclusive()
    assert it.admit() is None
    assert it.state == "half-open"


@pytest.mark.parametrize(("draw", "expected"), [(0.0, 5 * (1 - JITTER)), (1.0, 5 * (1 + JITTER))])
def test_the_pause_is_drawn_around_its_length(draw: float, expected: float) -> None:
    assert opened(Clock(), draw).wait_s() == pytest.approx(expected)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["admit", "succeeded", "failed", "inconclusive", "later"]), max_size=60))
def test_whatever_happens_it_admits_a_caller_within_the_longest_pause(steps: list[str]) -> None:
    clock = Clock()
    it = breaker(clock)
    admitted = False
    for step in steps:
        if step == "later":
            clock.now += 7
        elif step == "admit":
            admitted = it.admit() is None or admitted
        elif admitted:  # only who was let through reports
            getattr(it, step)()
            admitted = False
    if admitted:
        it.inconclusive()
    clock.now += LONGEST_PAUSE_S * (1 + JITTER)
    assert it.admit() is None
