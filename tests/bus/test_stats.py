from bus.stats import Quantiles, Stats


def test_what_ended_is_counted_by_operation_and_code() -> None:
    stats = Stats()
    stats.ended("a.b", code=None, wait_s=0.01, run_s=0.1)
    stats.ended("a.b", code=None, wait_s=0.01, run_s=0.1, cached=True)
    stats.ended("a.b", code="CANCELLED", wait_s=None, run_s=None)
    stats.ended("a.c", code="INTERNAL", wait_s=0.0, run_s=0.2)
    told = stats.operations()
    assert list(told) == ["a.b", "a.c"]
    assert (told["a.b"].count, told["a.b"].cached, told["a.b"].errors) == (3, 1, {"CANCELLED": 1})
    assert told["a.c"].errors == {"INTERNAL": 1}


def test_quantiles_are_in_milliseconds_and_in_order() -> None:
    stats = Stats()
    for number in range(101):
        stats.ended("a.b", code=None, wait_s=number / 1000, run_s=0.002)
    told = stats.operations()["a.b"]
    assert told.queue_wait == Quantiles(50.0, 95.0, 99.0)
    assert told.run_time == Quantiles(2.0, 2.0, 2.0)


def test_nothing_measured_is_zero() -> None:
    stats = Stats()
    stats.ended("a.b", code="UNAVAILABLE", wait_s=None, run_s=None)
    assert stats.operations()["a.b"].run_time == Quantiles(0.0, 0.0, 0.0)
    assert Stats().operations() == {}


def test_old_samples_make_room_for_new_ones() -> None:
    stats = Stats()
    for run_s in [9.0] * 512 + [0.001] * 512:
        stats.ended("a.b", code=None, wait_s=0.0, run_s=run_s)
    assert stats.operations()["a.b"].run_time.p99 == 1.0
    assert stats.operations()["a.b"].count == 1024


def test_the_worst_lag_is_remembered() -> None:
    stats = Stats()
    for lag_s in (0.1, 0.5, 0.2):
        stats.lagged(lag_s)
    assert (stats.loop_lag_s, stats.worst_loop_lag_s) == (0.2, 0.5)
