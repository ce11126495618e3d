"""The benches' 95 % intervals."""

import numpy as np
import pytest
from scipy import stats

from bench import bootstrap


def test_it_has_scipys_numbers() -> None:
    values = np.random.default_rng(1).random(40)
    rng = np.random.default_rng(0)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=500, method="percentile", rng=rng)
    assert bootstrap.interval(values, 500) == pytest.approx(tuple(theirs.confidence_interval))


def test_one_value_is_its_own_interval() -> None:
    assert bootstrap.interval([0.25]) == (0.25, 0.25)
