"""Which key some notes are in, by the profiles of Krumhansl."""

import numpy as np
import pytest

from engines._notes import Note
from engines.generate.hearing import key_of, pitch_classes
from engines.generate.theory import NOTE_NAMES, scale_tones

# Krumhansl's probe-tone ratings of C major and C minor (1990, table 2.1).
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def line(*pitches: int) -> list[Note]:
    return [Note(float(start), pitch, 1.0) for start, pitch in enumerate(pitches)]


@pytest.mark.parametrize("tonic", NOTE_NAMES)
@pytest.mark.parametrize("scale", ["major", "minor"])
def test_a_scale_that_rests_on_its_tonic_is_in_its_key(tonic: str, scale: str) -> None:
    root = 60 + NOTE_NAMES.index(tonic)
    tones = sorted((tone - root) % 12 for tone in scale_tones(tonic, scale))
    third = root + (4 if scale == "major" else 3)
    assert key_of(line(*(root + tone for tone in tones), root, third, root + 7, root)) == (tonic, scale)


def test_nothing_and_everything_is_c_major() -> None:
    assert key_of([]) == ("C", "major")
    assert key_of(line(*range(60, 72))) == ("C", "major")


def test_the_key_is_the_one_that_correlates_best() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        notes = [Note(0.0, int(pitch), float(rng.random())) for pitch in rng.integers(36, 90, 9)]
        sounding = pitch_classes(notes)
        fits = {
            (NOTE_NAMES[tonic], scale): np.corrcoef(np.roll(sounding, -tonic), profile)[0, 1]
            for tonic in range(12)
            for scale, profile in (("major", MAJOR), ("minor", MINOR))
        }
        assert fits[key_of(notes)] == pytest.approx(max(fits.values()), abs=1e-5)
