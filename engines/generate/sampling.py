"""Drawing events from a network, a batch of variations at a time, inside the bounds that were asked for.

What may not sound is not drawn: a mask over events goes on before the draw, and nothing is mended afterwards.
Each variation has a stream of random numbers of its own, so that it is the same alone and among others.

References
----------
C. Meister et al., "Locally Typical Sampling", TACL 11, 2023, for what is best among several.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engines._units import Progress, silent
from engines.generate.events import FIRST_PITCH, NOTE_OFF, Encoder, FloatArray, IntArray
from engines.generate.network import Network

DoubleArray = npt.NDArray[np.float64]
MAX_STEPS: Final = 16_384  # 256 bars of 32 sixteenths, and what primes them: no request runs longer
FREE: Final = -1


@dataclass(frozen=True)
class Plan:
    """What is to be drawn.

    Attributes
    ----------
    forced
        Shape (n_variations, n_steps): an event that is given (a primer, the other side of a gap), or -1.
    known
        Shape (n_steps, n_in): inputs known beforehand, of `Encoder.known`.
    allowed
        Shape (n_steps, n_classes): which events may be drawn.
    bias
        Shape (n_steps, n_classes) added to the logits, or None.
    temperature
        Divides the logits; 0 takes the likeliest, see `_likeliest`.
    monophonic
        Whether a note off needs a note that sounds.
    first
        Weights of the very first event, shape (n_classes,), where it is not given: Magenta's models were
        trained to go on from a first event on a bar line, and say nothing about it.
    """

    forced: IntArray
    known: FloatArray
    allowed: npt.NDArray[np.bool_]
    bias: FloatArray | None = None
    temperature: float = 1.0
    monophonic: bool = False
    first: DoubleArray | None = None


class Judgement(NamedTuple):
    """What a model thinks of what it drew, in nats a step.

    Attributes
    ----------
    log_likelihood
        How likely it finds it. The likeliest of several is the dullest: the one with the fewest notes.
    surprise
        How much less likely it is than the model expected of itself; nearest to 0 is what is most like
        the music it learned from.
    """

    log_likelihood: float
    surprise: float


@dataclass(frozen=True)
class Drawn:
    """What was drawn.

    Attributes
    ----------
    events
        Shape (n_variations, n_steps).
    loglik
        The model's own log-likelihood of each, in nats, of the same shape.
    surprise
        How much less than the step's mean that is, in nats, of the same shape.
    """

    events: IntArray
    loglik: DoubleArray
    surprise: DoubleArray

    def judged(self, start: int = 0, end: int | None = None) -> list[Judgement]:
        """Return a judgement of the steps from `start` to `end` for each variation."""
        means = (part[:, start:end].mean(axis=1).tolist() for part in (self.loglik, self.surprise))
        return [Judgement(*both) for both in zip(*means, strict=True)]


def uniforms(seed: int, stream: int, variations: int, steps: int) -> DoubleArray:
    """Return the random numbers of a request, shape (variations, steps): a Philox stream for each variation.

    `stream` keeps the parts of one request apart.
    """
    return np.stack(
        [
            np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, stream, variation]))).random(
                steps
            )
            for variation in range(variations)
        ]
    )


def draw(
    network: Network,
    encoder: Encoder,
    plan: Plan,
    numbers: DoubleArray,
    progress: Progress = silent,
    *,
    stage: str = "",
) -> Drawn:
    """Play a plan to its end.

    Parameters
    ----------
    network, encoder
        The model.
    plan
        What is given and what may be drawn; at every free step at least one event must be allowed.
    numbers
        Shape (n_variations, n_steps), in [0, 1): one is used up by each step, given or not.
    progress, stage
        Told every bar's worth of steps.

    Returns
    -------
    Drawn
        Given events included.
    """
    n, steps = plan.forced.shape
    if steps > MAX_STEPS:
        raise ValueError(f"steps: {steps}; must be at most {MAX_STEPS}")
    events = np.full((n, steps), encoder.default, np.int64)
    seen = np.zeros((n, steps, encoder.n_out), np.float32)
    stands = None if encoder.looks_up else np.zeros((n, steps, encoder.n_out), np.int64)
    state = network.zero(n)
    gates_known = network.project_known(plan.known)
    rows = network.layers[0].rows()
    wanted = np.where(plan.allowed, 0.0 if plan.bias is None else plan.bias.astype(np.float64), -np.inf)
    is_given = plan.forced >= 0
    some_given: list[bool] = np.logical_or.reduce(is_given, axis=0).tolist()
    all_given: list[bool] = np.logical_and.reduce(is_given, axis=0).tolist()
    last = np.full(n, encoder.default, np.int64)
    sounding = np.zeros(n, np.bool_)
    lowest = FIRST_PITCH if plan.monophonic else encoder.classes  # of more than one voice, no event is a note
    notes = np.arange(encoder.n_out) >= lowest
    for t in range(steps):
        if t % 64 == 0:
            progress(t / steps, stage)
        if t == 0:
            # As in training, the network is first asked for the second event: asked for the first, it would
            # count its steps from one too early, and everything would fall a sixteenth beside the beat.
            drawn = _first(plan, encoder, numbers[:, 0])
        else:
            if stands is None:
                gates = gates_known[t] + rows[encoder.control + last]
            else:
                heard = np.stack([encoder.heard(events[i, :t].tolist()) for i in range(n)])
                gates = gates_known[t] + heard @ rows
                stands[:, t] = [encoder.labels(events[i, :t].tolist()) for i in range(n)]
            logits, state = network.step(gates, state)
            seen[:, t] = logits
            if not all_given[t]:
                here = None if stands is None else stands[:, t]
                shown = logits + _bounds(plan, wanted[t], sounding, here)
                if plan.temperature == 0:
                    drawn = _likeliest(shown, notes if here is None else here >= lowest)
                else:
                    drawn = _choose(shown, plan.temperature, numbers[:, t])
                if here is not None:
                    drawn = here[np.arange(n), drawn]
        last = np.where(is_given[:, t], plan.forced[:, t], drawn) if some_given[t] else drawn
        events[:, t] = last
        if plan.monophonic:
            sounding = (last >= FIRST_PITCH) | (sounding & (last != NOTE_OFF))
    progress(1.0, stage)
    return Drawn(events, *_likelihoods(seen, events, stands))


def _bounds(
    plan: Plan, wanted: DoubleArray, sounding: npt.NDArray[np.bool_], stands: IntArray | None
) -> DoubleArray:
    """Return what is added to the logits of one step, shape (n_variations or 1, n_labels)."""
    bounds = wanted[None, :]
    if plan.monophonic and not sounding.all():
        bounds = np.tile(wanted, (len(sounding), 1))
        bounds[~sounding, NOTE_OFF] = -np.inf
    if stands is None:
        return bounds
    return np.take_along_axis(np.broadcast_to(bounds, (len(stands), bounds.shape[1])), stands, axis=1)


def _choose(shown: DoubleArray, temperature: float, numbers: DoubleArray) -> IntArray:
    """Draw one label for each variation by inverse CDF in double precision."""
    shown -= np.maximum.reduce(shown, axis=1, keepdims=True)
    if temperature != 1:
        shown /= temperature
    cumulative = np.add.accumulate(np.exp(shown, out=shown), axis=1)
    targets = numbers[:, None] * cumulative[:, -1:]
    # The first class whose cumulative weight exceeds the number; one of weight zero can never be it.
    return np.asarray((cumulative > targets).argmax(axis=1))


def _likeliest(shown: DoubleArray, notes: npt.NDArray[np.bool_]) -> IntArray:
    """Take the likeliest label for each variation: a note where all notes together are likelier than others.

    Compared one by one, no pitch would be likelier than holding, and most melodies silent.
    """
    weights = np.exp(shown - shown.max(axis=1, keepdims=True))
    plays = (weights * notes).sum(axis=1) > (weights * ~notes).max(axis=1)
    return np.asarray(np.where(plays[:, None] == notes, shown, -np.inf).argmax(axis=1))


def _likelihoods(
    logits: npt.NDArray[np.float32], events: IntArray, stands: IntArray | None
) -> tuple[DoubleArray, DoubleArray]:
    """Return the log-likelihood and surprise of every event but the first, of which a model says nothing.

    An event that several labels stand for (a note, or the repeat of one) has the sum of their probabilities.
    """
    shown = logits.astype(np.float64)
    shown -= shown.max(axis=2, keepdims=True)
    weights = np.exp(shown)
    total = weights.sum(axis=2)
    expected = np.einsum("ntc,ntc->nt", weights, shown) / total - np.log(total)
    if stands is None:
        chosen = np.take_along_axis(shown, events[:, :, None], axis=2)[:, :, 0]
    else:
        alike = stands == events[:, :, None]
        chosen = np.log(np.maximum((weights * alike).sum(axis=2), 1e-300))
    loglik: DoubleArray = chosen - np.log(total)
    surprise: DoubleArray = expected - loglik
    loglik[:, 0] = surprise[:, 0] = 0.0
    return loglik, surprise


def _first(plan: Plan, encoder: Encoder, numbers: DoubleArray) -> IntArray:
    weights = np.ones(encoder.classes) if plan.first is None else plan.first
    weights = np.where(plan.allowed[0], weights, 0.0)
    if plan.monophonic:
        weights[NOTE_OFF] = 0.0
    if not weights.any():
        return np.full(len(numbers), encoder.default)
    if plan.temperature == 0:
        notes = plan.monophonic & (np.arange(encoder.classes) >= FIRST_PITCH)
        with np.errstate(divide="ignore"):
            return np.repeat(_likeliest(np.log(weights)[None, :], notes), len(numbers))
    cumulative = weights.cumsum()
    return np.asarray([(cumulative > number * cumulative[-1]).argmax() for number in numbers])
