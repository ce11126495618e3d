"""The small models that choose among readings."""

from pathlib import Path

import numpy as np
import pytest

from engines._errors import NotInstalledError
from engines._networks import read_network
from engines.analyze import bars, key_finding, pulse, pulse_features
from engines.analyze.ranking import Ranker

MODELS = [
    (bars, bars.N_BAR_FEATURES),
    (pulse, pulse_features.N_FEATURES),
    (key_finding, key_finding.N_KEY_FEATURES),
]


def random_ranker(n_features: int) -> Ranker:
    rng = np.random.default_rng(0)
    return Ranker(
        np.zeros(n_features),
        np.ones(n_features),
        *(rng.standard_normal(s) for s in ((2, n_features, 3), (2, 3), (2, 3))),
    )


def test_readings_share_one_certainty() -> None:
    weights = random_ranker(5).weigh(np.random.default_rng(1).standard_normal((7, 5)))
    assert weights.shape == (7,)
    assert weights.sum() == pytest.approx(1)
    assert len(random_ranker(5).weigh(np.zeros((0, 5)))) == 0


def test_a_model_is_read_as_it_was_saved(tmp_path: Path) -> None:
    x = np.random.default_rng(1).standard_normal((7, 5))
    random_ranker(5).save(tmp_path / "a.npz")
    assert read_network(tmp_path / "a.npz", Ranker, 5).weigh(x) == pytest.approx(random_ranker(5).weigh(x))


@pytest.mark.parametrize(("module", "n_features"), MODELS)
def test_a_model_that_is_missing_or_of_something_else_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: object, n_features: int
) -> None:
    path = tmp_path / "model.npz"
    monkeypatch.setattr(module, "MODEL", path)
    load = module.ranker.__wrapped__  # type: ignore[attr-defined]
    with pytest.raises(NotInstalledError, match="missing or damaged; reinstall"):
        load()
    random_ranker(n_features - 1).save(path)
    with pytest.raises(NotInstalledError, match="missing or damaged; reinstall"):
        load()
    random_ranker(n_features).save(path)
    assert isinstance(load(), Ranker)
