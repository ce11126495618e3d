"""Train the network that tells notes from overtones and swells among onset peaks.

    python -m engines.transcribe.training.train_onsets --soundfont A.sf2 [--pieces 200] [--seed 100]
        [--out engines/transcribe/weights]

Pieces of `scores.compose` for piano, bass, guitar, strings and lead instruments, a third of them for two at
once, through random rooms and equalisers; each peak of Basic Pitch's onsets is right if it is the strongest
within 50 ms of a true note. The threshold is the one best on an eighth of the pieces, which is kept back.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines._audio import FloatArray, resample
from engines.transcribe.note_creation import with_rises
from engines.transcribe.onset_choice import LOWEST_PEAK, WEIGHTS, Chooser, features, peaks
from engines.transcribe.pitch_model import LOWEST_PITCH, SR, PitchListener, frame_times
from engines.transcribe.training import scores
from engines.transcribe.training.recordings import through_a_studio

SECONDS = 16.0
HIDDEN, STEPS, RATE, DECAY = 24, 1500, 0.01, 1e-4
TOLERANCE_S = 0.05


@dataclass
class Example:
    """One piece: the features of its peaks (n, F), which are right, and how many notes it has."""

    features: FloatArray
    right: FloatArray
    n_notes: int


def example(soundfont: Path, rng: scores.Rng) -> Example:
    """Compose, play and hear one piece."""
    roles = rng.choice(list(scores.PROGRAMS), size=2 if rng.random() < 0.35 else 1, replace=False)
    y = np.zeros(round((SECONDS + 1) * scores.SR), np.float32)
    truth: list[scores.Played] = []
    for role in roles:
        notes = scores.compose(str(role), rng, SECONDS)
        score = scores.midi(notes, int(rng.choice(scores.PROGRAMS[role])))
        sound = scores.render(score, soundfont, reverb=bool(rng.random() < 0.5)).mean(axis=0)[: len(y)]
        y[: len(sound)] += rng.uniform(0.4, 1.0) * sound / (np.abs(sound).max() + 1e-9)
        truth += notes
    listener = PitchListener()
    y = resample(through_a_studio(y, rng), scores.SR, SR)
    heard = [*listener.push(y), *listener.finish()]
    notes_, onsets = (np.concatenate([getattr(a, part) for a in heard]) for part in ("notes", "onsets"))
    onsets = with_rises(onsets, notes_)
    times, pitches = peaks(onsets, LOWEST_PEAK)
    right = np.zeros(len(times), np.float32)
    seconds = frame_times(0, len(notes_))[times]
    for note in truth:
        near = (pitches == note.pitch - LOWEST_PITCH) & (np.abs(seconds - note.start) <= TOLERANCE_S)
        if near.any():
            candidates = np.flatnonzero(near)
            right[candidates[np.argmax(onsets[times[near], pitches[near]])]] = 1
    return Example(features(notes_, onsets, times, pitches), right, len(truth))


def train(examples: list[Example], rng: scores.Rng) -> Chooser:
    """Fit the network by Adam to the cross entropy over all peaks."""
    x = np.concatenate([e.features for e in examples]).astype(np.float64)
    right = np.concatenate([e.right for e in examples])
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-3
    z = (x - mean) / scale
    p = [
        rng.standard_normal((z.shape[1], HIDDEN)) / np.sqrt(z.shape[1]),
        np.zeros(HIDDEN),
        rng.standard_normal(HIDDEN) * 0.2,
    ]
    first, second = [np.zeros_like(a) for a in p], [np.zeros_like(a) for a in p]
    for step in range(1, STEPS + 1):
        rows = rng.integers(len(z), size=2048)
        h = np.tanh(z[rows] @ p[0] + p[1])
        slope = (1 / (1 + np.exp(-h @ p[2])) - right[rows]) / len(rows)
        back = slope[:, None] * p[2] * (1 - h**2)
        gradients = [z[rows].T @ back + DECAY * p[0], back.sum(axis=0), h.T @ slope + DECAY * p[2]]
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / STEPS))
        for k, g in enumerate(gradients):
            first[k] = 0.9 * first[k] + 0.1 * g
            second[k] = 0.999 * second[k] + 0.001 * g * g
            change = first[k] / (1 - 0.9**step) / (np.sqrt(second[k] / (1 - 0.999**step)) + 1e-8)
            p[k] = p[k] - rate * change
    return Chooser(mean, scale, p[0], p[1], p[2], np.array(0.5))


def f_measure(net: Chooser, examples: list[Example], threshold: float) -> float:
    """Return the F-measure of the peaks chosen, over all pieces together."""
    hits = found = 0.0
    for e in examples:
        chosen = net.weigh(e.features) >= threshold
        hits, found = hits + float(e.right[chosen].sum()), found + int(chosen.sum())
    return 2 * hits / max(1.0, found + sum(e.n_notes for e in examples))


def main() -> None:
    """Train, report and write."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--soundfont", type=Path, action="append", required=True)
    parser.add_argument("--pieces", type=int, default=200)
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--out", type=Path, default=WEIGHTS.parent)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    fonts = arguments.soundfont
    examples = [example(fonts[i % len(fonts)], rng) for i in range(arguments.pieces)]
    held = max(1, len(examples) // 8)
    net = train(examples[held:], rng)
    choices = np.arange(0.2, 0.8, 0.05)
    best = float(choices[np.argmax([f_measure(net, examples[:held], t) for t in choices])])
    f = f_measure(net, examples[:held], best)
    reached = sum(e.right.sum() for e in examples) / sum(e.n_notes for e in examples)
    print(f"seed {arguments.seed}, {len(examples)} pieces, {sum(len(e.right) for e in examples)} peaks")
    print(f"notes with a peak: {reached:.3f}; threshold {best:.2f}; F on {held} kept back: {f:.3f}")
    kept = {**vars(net), "threshold": np.array(best)}
    arguments.out.mkdir(exist_ok=True)
    np.savez_compressed(arguments.out / WEIGHTS.name, **{k: v.astype(np.float32) for k, v in kept.items()})


if __name__ == "__main__":
    main()
