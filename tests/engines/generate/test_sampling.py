"""What a model thinks of what it drew."""

from dataclasses import replace

import numpy as np
import pytest

from engines.generate import line, sampling, store
from engines.generate.request import frame
from engines.generate.theory import parse_chord


def test_on_the_whole_a_model_surprises_itself_as_much_as_it_expects() -> None:
    model = store.load("melody", "melody")
    fixed = frame(bars=16, tempo=120)
    forced = np.full((32, fixed.steps), sampling.FREE, np.int64)
    plan, _ = line.plan(model, fixed, line.Voice(48, 83), [parse_chord("C")] * fixed.steps, forced)
    free = replace(plan, allowed=np.ones_like(plan.allowed), bias=None, monophonic=False)
    numbers = sampling.uniforms(1, 0, 32, fixed.steps)
    drawn = sampling.draw(model.network, model.encoder, free, numbers)
    judged = drawn.judged()
    # Surprise is the cross-entropy less the entropy: 0 in the mean of what is drawn from the model itself.
    assert np.mean([one.surprise for one in judged]) == pytest.approx(0.0, abs=0.03)
    assert np.mean([one.log_likelihood for one in judged]) < -0.3
    greedy = sampling.draw(model.network, model.encoder, replace(free, temperature=0.0), numbers)
    assert all(one.surprise < -0.1 for one in greedy.judged())
    assert drawn.judged(16, 32)[0].surprise == pytest.approx(drawn.surprise[0, 16:32].mean())
