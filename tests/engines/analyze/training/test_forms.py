"""What songs say of their sections and keys."""

import numpy as np
import pytest

from engines.analyze.training.forms import key_of, merged, modulated


def test_what_follows_itself_is_one_section() -> None:
    pieces = [(0.0, 1.0, "A"), (1.0, 2.0, "A"), (2.0, 3.0, "B"), (3.0, 4.0, "A")]
    assert merged(pieces) == [(0.0, 2.0, "A"), (2.0, 3.0, "B"), (3.0, 4.0, "A")]
    assert merged([]) == []
    assert len(pieces) == 4, "what was given stays"


@pytest.mark.parametrize(
    ("tonic", "mode", "name"), [(0, "major", "C major"), (13, "minor", "C# minor"), (-1, "minor", "B minor")]
)
def test_a_key_has_its_name_in_any_octave(tonic: int, mode: str, name: str) -> None:
    assert key_of(tonic, mode) == name


def test_a_song_that_changes_key_goes_from_one_to_one_other() -> None:
    shifts = [modulated("ABABCB", np.random.default_rng(seed)) for seed in range(60)]
    changing = [shift for shift in shifts if any(shift)]
    assert 0 < len(changing) < len(shifts)
    assert all(shift[0] == 0 and len(set(shift)) == 2 for shift in changing)
