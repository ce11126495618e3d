"""What the models are trained on is what its truth says."""

from itertools import pairwise

import numpy as np
import pytest

from engines import _notes
from engines.transcribe.training import scores


@pytest.mark.parametrize("role", list(scores.PROGRAMS))
def test_a_key_is_struck_again_only_after_it_was_let_go(role: str) -> None:
    notes = scores.compose(role, np.random.default_rng(3), 12.0)
    assert notes == sorted(notes)
    assert notes[-1].end <= 12.0
    for pitch in {n.pitch for n in notes}:
        line = [n for n in notes if n.pitch == pitch]
        assert all(a.end < b.start for a, b in pairwise(line))


def test_the_same_seed_gives_the_same_score() -> None:
    first, second = (scores.compose_drums(np.random.default_rng(4), 8.0) for _ in range(2))
    assert first == second


def test_a_score_is_written_at_its_seconds() -> None:
    notes = scores.compose("piano", np.random.default_rng(5), 8.0)
    score = _notes.read(scores.midi(notes))
    assert [score.seconds(n.start) for n in score.parts[0].notes] == pytest.approx(
        [n.start for n in notes], abs=0.002
    )


def test_of_strokes_of_one_drum_within_30_ms_the_hardest_stays() -> None:
    doubled = [(1.0, 38, 40), (1.02, 40, 90), (1.01, 36, 80), (1.06, 38, 30), (2.0, 44, 50), (2.01, 22, 20)]
    played = [scores.Played(t, key, t + 0.1, velocity) for t, key, velocity in doubled]
    left = [(n.start, n.pitch) for n in scores.without_doubles(played)]
    assert left == [(1.01, 36), (1.02, 40), (1.06, 38), (2.0, 44)]
