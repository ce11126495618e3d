"""What the model of keys learns from, and that it learns it."""

from pathlib import Path

import numpy as np
import pytest

from engines.analyze import key_finding
from engines.analyze.pitches import N_BINS
from engines.analyze.training import train_keys
from engines.analyze.training.rank import train


def test_scales_and_cadences_are_learned() -> None:
    examples = list(train_keys.plain(np.random.default_rng(1)))
    assert len(examples) == 2 * key_finding.N_KEYS
    model = train(list(train_keys.plain(np.random.default_rng(2))))
    chosen = [int(model.weigh(example.features).argmax()) for example in examples]
    right = [bool(example.right[key]) for example, key in zip(examples, chosen, strict=True)]
    assert np.mean(right) > 0.9


@pytest.mark.parametrize(
    ("group", "key", "drums_alone", "right"),
    [
        ("pop909", "D minor", False, 14),
        ("groove", "", True, key_finding.N_KEYS),
        ("beatless", "", False, key_finding.N_KEYS),
        ("electronic", "", False, None),
    ],
)
def test_the_truth_is_the_key_or_none_or_unknown(
    tmp_path: Path, group: str, key: str, drums_alone: bool, right: int | None
) -> None:
    strength = np.random.default_rng(0).random((20, N_BINS)).astype(np.float16)
    path = tmp_path / f"{group}_a song@3.npz"
    np.savez(path, pitches=strength, tuning=0.0, key=key, drums_alone=drums_alone)
    examples = list(train_keys.rendered(tmp_path))
    if right is None:
        assert not examples
    else:
        (example,) = examples
        assert example.name == "a song"
        assert list(np.flatnonzero(example.right)) == [right]
