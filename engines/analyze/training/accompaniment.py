"""What a band plays to a score whose beats and chords are known: programs, drum patterns, basses."""

import numpy as np
import pretty_midi

from engines.analyze.training.render import Piece

COMPING = (0, 1, 2, 4, 5, 6, 7, 11, 16, 18, 19, 21, 24, 25, 26, 27, 28, 29, 46, 48, 50, 51, 88, 89, 90)
LEADS = (0, 4, 11, 22, 24, 25, 29, 30, 40, 52, 53, 56, 61, 65, 66, 68, 71, 73, 75, 80, 81, 82, 85)
BASSES = (32, 33, 34, 35, 36, 37, 38, 39, 43)
KITS = (0, 0, 8, 16, 24, 25, 32, 40)
KICK, SNARE, RIM, CLOSED, OPEN, RIDE, CRASH, SHAKER = 36, 38, 37, 42, 46, 51, 49, 70
EARLY_S = 0.05  # that a beat may lie before the chord that begins with it
# Where in a bar of four beats each drum plays, in beats: (kick, snare, hat).
PATTERNS: tuple[tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]], ...] = (
    ((0, 2), (1, 3), (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)),
    ((0, 2.5), (1, 3), (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)),
    ((0, 1, 2, 3), (1, 3), (0.5, 1.5, 2.5, 3.5)),
    ((0, 1, 2, 3), (), (0.5, 1.5, 2.5, 3.5)),
    ((0, 1.5, 2), (1, 3), (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)),
    ((0, 0.75, 2.5), (1, 3), tuple(np.arange(0, 4, 0.25))),
    ((0, 2.75), (2,), (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)),
    ((0, 2), (1, 3), (0, 2 / 3, 1, 5 / 3, 2, 8 / 3, 3, 11 / 3)),
    ((0, 1.5, 2, 3.5), (0, 1.5, 3), tuple(np.arange(0, 4, 0.5))),
    ((0, 0.75, 1.5, 2.25, 3), (1, 3), tuple(np.arange(0, 4, 0.5))),
    ((0,), (), (0, 1, 2, 3)),
    ((0, 2.25, 2.5), (1, 2.75, 3), tuple(np.arange(0, 4, 0.25))),
)


def root_at(chords: list[tuple[float, float, int, str]], time: float) -> int | None:
    """Return the root of the chord that sounds at a beat, None if none does; chords as `Piece` has them."""
    sounding = (root for start, end, root, _ in chords if start - EARLY_S <= time < end - EARLY_S)
    return next(sounding, None)


def bass(piece: Piece, rng: np.random.Generator) -> pretty_midi.Instrument:
    """Play the roots of the chords, on every beat or every other."""
    part = pretty_midi.Instrument(int(rng.choice(BASSES)))
    every = int(rng.choice([1, 1, 2]))
    halves = rng.random() < 0.3
    loud = int(rng.uniform(70, 115))
    step = float(np.median(np.diff(piece.beats)))
    offset = int(np.argmin(np.abs(piece.beats - piece.downbeats[0]))) if len(piece.downbeats) else 0
    for i, t in enumerate(piece.beats):
        if (i - offset) % every:
            continue
        root = root_at(piece.chords, t)
        if root is None:
            continue
        for at, length in ((t, 0.45), (t + step / 2, 0.4)) if halves else ((t, 0.9 * every),):
            pitch = 28 + (root - 4) % 12 + (12 if rng.random() < 0.05 else 0)
            a = max(0.0, at + rng.normal(0, 0.006))
            part.notes.append(pretty_midi.Note(loud, pitch, a, a + length * step))
    return part


def drums(piece: Piece, rng: np.random.Generator) -> pretty_midi.Instrument:
    """Play a pattern in every bar, now and then with a stroke left out or a crash."""
    part = pretty_midi.Instrument(int(rng.choice(KITS)), is_drum=True)
    kick, snare, hat = PATTERNS[int(rng.integers(len(PATTERNS)))]
    if piece.meter == 3:
        kick, snare, hat = (0,), (1, 2) if rng.random() < 0.5 else (2,), (0, 1, 2)
    tight = rng.uniform(0.001, 0.012)
    hat_note = int(rng.choice([CLOSED, CLOSED, RIDE, SHAKER, OPEN]))
    snare_note = int(rng.choice([SNARE, SNARE, RIM, 39]))
    level, hat_level = rng.uniform(70, 120), rng.uniform(35, 100)
    layers = ((kick, KICK, level), (snare, snare_note, level), (hat, hat_note, hat_level))
    grid = np.append(piece.beats, piece.beats[-1] + np.median(np.diff(piece.beats)))
    place = np.arange(len(grid))
    first = int(np.argmin(np.abs(piece.beats - piece.downbeats[0]))) if len(piece.downbeats) else 0
    for bar in range(first - piece.meter, len(piece.beats), piece.meter):
        for pattern, drum, loud in layers:
            for beat in pattern:
                at = bar + beat
                if 0 <= at < len(piece.beats) and rng.random() > 0.03:
                    t = max(0.0, float(np.interp(at, place, grid)) + rng.normal(0, tight))
                    accent = 1.0 if at == int(at) else 0.85
                    velocity = int(np.clip(loud * accent * rng.uniform(0.85, 1.1), 10, 127))
                    part.notes.append(pretty_midi.Note(velocity, drum, t, t + 0.1))
        if (bar // piece.meter) % 8 == 0 and 0 <= bar < len(grid) and rng.random() < 0.5:
            part.notes.append(pretty_midi.Note(int(level), CRASH, float(grid[bar]), float(grid[bar]) + 1))
    return part
