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


def test_a_layered_snare_is_both_snares_and_other_drums_stay() -> None:
    kit, other = (made_kit(np.random.default_rng(seed)) for seed in (3, 4))
    both = layered(kit, other, np.random.default_rng(5))
    assert both[36] is kit[36]
    assert len(both[38][0]) >= len(kit[38][0])
    assert not np.array_equal(both[38][0][: len(kit[38][0])], kit[38][0])
