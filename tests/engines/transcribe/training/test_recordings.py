"""Recordings have the strokes that their truth says."""

from dataclasses import replace

import numpy as np

from engines.transcribe.drum_spectrum import FRAME_RATE, N_BANDS
from engines.transcribe.training import recordings
from engines.transcribe.training.drum_machines import made_kit
from engines.transcribe.training.scores import CLASS_OF, DRUM_KEYS, HAT, compose_drums
from engines.transcribe.training.synthesisers import line


def studio() -> recordings.Studio:
    rng = np.random.default_rng(0)
    kits = [made_kit(rng) for _ in range(3)]
    return recordings.Studio([], kits, kits, [line(rng, recordings.SECONDS) for _ in range(2)])


def test_a_recording_is_as_long_as_it_should_be_and_its_strokes_lie_in_it() -> None:
    made = [studio().record(np.random.default_rng(seed)) for seed in range(8)]
    for item in made:
        assert item.bands.shape[1] == N_BANDS
        assert abs(len(item.bands) / FRAME_RATE - recordings.SECONDS) < 0.05
        assert np.all((item.strokes[:, 0] >= 0) & (item.strokes[:, 0] < recordings.SECONDS))
    assert any(len(item.strokes) > 20 for item in made)


def test_the_same_seed_gives_the_same_recording() -> None:
    first, second = (studio().record(np.random.default_rng(4)) for _ in range(2))
    assert first.bands.tobytes() == second.bands.tobytes()
    assert np.array_equal(first.strokes, second.strokes)


def test_a_dry_recording_has_the_same_strokes_without_the_studio() -> None:
    wet = studio().record(np.random.default_rng(4))
    dry = replace(studio(), dry=1.0).record(np.random.default_rng(4))
    assert np.array_equal(dry.strokes, wet.strokes)
    assert not np.array_equal(dry.bands, wet.bands)
    assert dry.bands.min() < wet.bands.min(), "a studio has noise"


def test_parts_that_other_drums_play_begin_when_they_began() -> None:
    played = compose_drums(np.random.default_rng(1), 8.0)
    hats = 0
    for seed in range(20):
        moved = recordings.rearranged(played, np.random.default_rng(seed))
        assert {n.start for n in moved} <= {n.start for n in played}
        hats += any(CLASS_OF[n.pitch] == HAT for n in moved)
    assert 0 < hats < 20


def test_scattered_strokes_are_of_all_drums_and_on_no_common_beat() -> None:
    strokes = [n for seed in range(6) for n in recordings.scattered(np.random.default_rng(seed), 8.0)]
    assert {CLASS_OF[n.pitch] for n in strokes} == set(DRUM_KEYS)
    assert all(0 <= n.start < 7.9 and 12 <= n.velocity <= 127 for n in strokes)


def test_a_line_of_a_synthesiser_is_as_loud_as_full_scale_and_as_long_as_asked() -> None:
    y = line(np.random.default_rng(2), 3.0)
    assert y.shape == (3 * 44100,)
    assert 0.5 < np.abs(y).max() <= 1.0
