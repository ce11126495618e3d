"""Many kits are made of one: other sounds on the same drums."""

import numpy as np

from engines.transcribe.training.drum_machines import made_kit
from engines.transcribe.training.kit_changes import layered, retuned
from engines.transcribe.training.kits import VELOCITIES


def test_a_retuned_kit_has_the_same_drums_and_no_sound_as_it_was() -> None:
    kit = made_kit(np.random.default_rng(0))
    for seed in range(6):
        changed = retuned(kit, np.random.default_rng(seed))
        assert changed.keys() == kit.keys()
        for key, shots in changed.items():
            assert len(shots) in {1, len(VELOCITIES)}
            for shot in shots:
                assert shot.dtype == np.float32
                assert np.isfinite(shot).all()
                assert not np.array_equal(shot, kit[key][0])


def test_what_is_struck_softer_is_softer_and_duller() -> None:
    kit = {38: made_kit(np.random.default_rng(2))[38]}
    made = [retuned(kit, np.random.default_rng(seed))[38] for seed in range(20)]
    graded = [shots for shots in made if len(shots) == len(VELOCITIES)]
    assert 0 < len(graded) < len(made)
    for soft, middle, loud in graded:
        assert np.abs(soft).max() < np.abs(middle).max() < np.abs(loud).max()
        steps = [np.abs(np.diff(shot)).sum() / np.abs(shot).sum() for shot in (soft, loud)]
        assert steps[0] < steps[1]


def test_layered_drums_are_both_kits_and_others_stay() -> None:
    kit, other = (made_kit(np.random.default_rng(seed)) for seed in (3, 4))
    seen = set()
    for seed in range(10):
        both = layered(kit, other, np.random.default_rng(seed))
        assert both.keys() == kit.keys()
        for key in (36, 38, 42):
            if both[key] is not kit[key]:
                seen.add(key)
                assert len(both[key][0]) >= len(kit[key][0])
                assert not np.array_equal(both[key][0][: len(kit[key][0])], kit[key][0])
    assert seen == {36, 38, 42}
    assert any(layered(kit, other, np.random.default_rng(seed))[36] is kit[36] for seed in range(10))
