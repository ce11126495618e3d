import gc
import weakref

from bus.answered import Answered, fingerprint
from bus.errors import Cancelled
from bus.job import Result
from bus.settings import Limits


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def result(size: int = 10) -> Result:
    return Result(bytes(size), 0.1, cached=False)


def test_an_answer_is_kept_with_the_request_it_was_for() -> None:
    answered = Answered(Limits())
    outcome = result()
    answered.remember("a", b"print", outcome)
    answer = answered.get("a")
    assert answer is not None
    assert answer.outcome is outcome
    assert answer.fingerprint == b"print"
    assert answered.get("b") is None


def test_it_is_bounded_by_count() -> None:
    answered = Answered(Limits(remembered=3))
    for number in range(5):
        answered.remember(str(number), b"", result())
    assert [name for name in "01234" if answered.get(name)] == ["2", "3", "4"]


def test_it_is_bounded_by_bytes() -> None:
    answered = Answered(Limits(remembered_mb=0.001))
    for number in range(5):
        answered.remember(str(number), b"", result(400))
    assert [name for name in "01234" if answered.get(name)] == ["3", "4"]
    answered.remember("large", b"", result(1001))
    assert answered.get("large") is None
    assert answered.get("4") is None


def test_it_is_bounded_by_age() -> None:
    clock = Clock()
    answered = Answered(Limits(remembered_s=60), now=clock)
    answered.remember("old", b"", Cancelled("cancelled"))
    clock.now_s += 40
    answered.remember("new", b"", result())
    clock.now_s += 21
    assert answered.get("old") is None
    assert answered.get("new") is not None


def test_an_answer_that_is_replaced_is_counted_once() -> None:
    answered = Answered(Limits(remembered_mb=0.001))
    for _ in range(10):
        answered.remember("a", b"", result(400))
    answered.remember("b", b"", result(400))
    assert answered.get("a")
    assert answered.get("b")


def test_an_error_keeps_nothing_of_the_request_it_ended() -> None:
    class Large:
        pass

    def fail(large: Large) -> None:
        try:
            dict[Large, None]()[large]
        except KeyError as error:
            raise Cancelled("cancelled") from error

    large = Large()
    alive = weakref.ref(large)
    answered = Answered(Limits())
    try:
        fail(large)
    except Cancelled as error:
        answered.remember("a", b"", error)
    del large
    gc.collect()
    assert alive() is None
    answer = answered.get("a")
    assert answer is not None
    assert isinstance(answer.outcome, Cancelled)


def test_a_fingerprint_tells_operations_and_params_apart() -> None:
    prints = {fingerprint(op, params) for op in ("a", "b", "ab") for params in (b"", b"a", b"b")}
    assert len(prints) == 9
    assert fingerprint("a" * 128, b"x") == fingerprint("a" * 128, b"x")
