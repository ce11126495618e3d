"""What the model of keys learns from, and that it learns it."""

import numpy as np
import pytest

from engines.analyze import key_finding
from engines.analyze.training import train_keys
from engines.analyze.training.rank import train
from tests.engines.analyze.training.conftest import Stored


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
    stored: Stored, group: str, key: str, drums_alone: bool, right: int | None
) -> None:
    path = stored(name=f"{group}_a song@3", key=key, drums_alone=drums_alone)
    examples = list(train_keys.rendered(path.parent))
    if right is None:
        assert not examples
    else:
        (example,) = examples
        assert example.name == "a song"
        assert list(np.flatnonzero(example.right)) == [right]
