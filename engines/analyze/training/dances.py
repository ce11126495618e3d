"""Marches, polkas, waltzes, foxtrots, jigs and slow dances: band music in 2/4, 3/4, 4/4, 6/8 and 12/8.

Drums, bass, chords and a tune say in the ways of dance bands where beats fall, in how many parts, and how
many make a bar. Of lead sheets too few are in other meters than 4/4, and fewer have drums; bars of four are
here so that not the ways of a band tell the meter.
"""

from dataclasses import dataclass

import numpy as np

from engines.analyze.training.drumming import add_drums
from engines.analyze.training.forms import key_of
from engines.analyze.training.part_music import CADENCES, SCALES, WALK
from engines.analyze.training.performing import Music, Rng, log_uniform

SECONDS = 40.0
BASSES = (32, 33, 34, 35, 43, 58, 38)
CHORDS = (0, 4, 16, 21, 21, 24, 25, 27, 48, 61, 88)
LEADS = (21, 22, 40, 56, 60, 65, 71, 72, 73, 78, 105, 109, 110, 80, 0)
SHARES = (0.7, 0.75, 0.75, 0.65)  # of pieces that have drums, bass, chords, a tune
PHRASES = ("AABA", "ABAC", "AAAB", "ABCB")  # a letter a bar, the same letter the same rhythm
OMITTED = 0.03
ROUND = 8  # bars after which chords come again


@dataclass(frozen=True)
class Signature:
    """Beats a bar, parts a beat falls into, and the tempi in BPM that such music is played at."""

    beats: int
    parts: int
    slowest: float
    fastest: float


# Beats of compound bars are dotted quarters: from a slow dance to a jig.
SIGNATURES = {
    "2-4": Signature(2, 2, 72, 150),
    "3-4": Signature(3, 2, 76, 200),
    "4-4": Signature(4, 2, 76, 200),
    "6-8": Signature(2, 3, 42, 136),
    "12-8": Signature(4, 3, 46, 132),
}
LIKELY = {"2-4": 0.2, "3-4": 0.15, "4-4": 0.25, "6-8": 0.25, "12-8": 0.15}


def dance_music(name: str, rng: Rng) -> Music:
    """Write a piece whose name ends with its time signature; each part may be missing, but not all."""
    written = str(rng.choice(list(LIKELY), p=list(LIKELY.values())))
    return _piece(name, written, rng, beat=False)


def beat_music(name: str, rng: Rng) -> Music:
    """Write a piece over a plain beat of rock or house: bars of four, though they come again after two."""
    return _piece(name, "4-4", rng, beat=True)


def _piece(name: str, written: str, rng: Rng, *, beat: bool) -> Music:
    signature = SIGNATURES[written]
    tempo = log_uniform(rng, signature.slowest, signature.fastest)
    n_bars = max(8, int(SECONDS * tempo / 60 / signature.beats))
    music = Music(
        f"{name}_{written}", "beat" if beat else "dance", n_bars * signature.beats, signature.beats, tempo
    )
    chosen = rng.random(len(SHARES)) < SHARES
    if beat or not chosen.any():
        chosen[0] = True
    drums, bass, chords, tune = chosen
    band = _Band(music, signature, rng)
    if drums:
        add_drums(music, rng, ternary=signature.parts == 3, plain=beat)
    if bass:
        band.bass()
    if chords:
        band.chords()
        band.write_chords()
    if tune:
        band.tune()
    return music


class _Band:
    """What plays one piece, over the chords of its bars."""

    def __init__(self, music: Music, signature: Signature, rng: Rng) -> None:
        self._music, self._signature, self._rng = music, signature, rng
        mode = str(rng.choice(list(SCALES)))
        self._tonic, self._scale = int(rng.integers(12)), SCALES[mode]
        music.key = key_of(self._tonic, mode)
        beats = signature.beats
        self._every = int(rng.choice((beats, beats, 2 * beats)))  # beats a chord lasts
        if beats == 4 and rng.random() < 0.2:
            self._every = 2
        degrees = [0]
        while len(degrees) < ROUND * beats // self._every - 2:
            degrees.append(int(rng.choice(WALK[degrees[-1]])))
        self._degrees = [*degrees, *CADENCES[int(rng.integers(len(CADENCES)))]]
        self._n_bars = music.n_beats // beats

    def _tone(self, beat: float, step: int, lowest: int) -> int:
        """Return the pitch, from `lowest` on, so many steps of the scale above the root of a beat's chord."""
        degree = self._degrees[int(beat) // self._every % len(self._degrees)] + step
        return lowest + (self._tonic + self._scale[degree % 7] - lowest) % 12

    def _strong_beats(self) -> list[float]:
        """Return where a bar begins, and mostly the middle of bars of four."""
        return [0.0, 2.0] if self._signature.beats == 4 and self._rng.random() < 0.7 else [0.0]

    def bass(self) -> None:
        """Play roots and fifths on the beats, on some of them, or running in between."""
        rng, beats, parts = self._rng, self._signature.beats, self._signature.parts
        manner = rng.random()
        if manner < 0.45:
            places = [float(beat) for beat in range(beats)]
        elif manner < 0.8:
            places = self._strong_beats()
        else:
            places = [k / parts for k in range(beats * parts) if k % parts == 0 or rng.random() < 0.5]
        steps = [0, *(int(rng.choice((0, 4, 4, 2))) for _ in places[1:])]
        program, loud = int(rng.choice(BASSES)), rng.uniform(70, 110)
        for bar in range(self._n_bars):
            for at, step, length in zip(places, steps, np.diff([*places, beats]), strict=True):
                pitch = self._tone(bar * beats + at, step, 33)
                self._add(program, pitch, loud, bar * beats + at, 0.85 * float(length))

    def chords(self) -> None:
        """Strike chords after the beats, on all beats but the first, broken, or held for a bar."""
        rng, beats, parts = self._rng, self._signature.beats, self._signature.parts
        program, loud, lowest = int(rng.choice(CHORDS)), rng.uniform(50, 90), int(rng.integers(50, 58))
        manner = str(rng.choice(("after", "after", "later beats", "broken", "held", "all")))
        last = (parts - 1) / parts
        after = [beat + last for beat in range(beats)]
        if parts == 3 and rng.random() < 0.5:
            after += [beat + 1 / 3 for beat in range(beats)]
        places_of = {
            "after": sorted(after),
            "later beats": [float(beat) for beat in range(1, beats)],
            "broken": [k / parts for k in range(beats * parts)],
            "held": self._strong_beats(),
            "all": [k / parts for k in range(beats * parts)],
        }
        places = places_of[manner]
        length = 0.95 * beats / len(places) if manner == "held" else 0.8 / parts
        rise = [int(step) for step in rng.choice((0, 2, 4), len(places))]
        for bar in range(self._n_bars):
            for k, at in enumerate(places):
                accent = 1.0 if at == int(at) else 0.88
                for step in [rise[k]] if manner == "broken" else (0, 2, 4):
                    pitch = self._tone(bar * beats + at, step, lowest)
                    self._add(program, pitch, loud * accent, bar * beats + at, length)

    def write_chords(self) -> None:
        """Write down which chords are played."""
        for beat in range(0, self._music.n_beats, self._every):
            root, third, fifth = (self._tone(beat, step, 0) for step in (0, 2, 4))
            self._music.add_chord(beat, self._every, (root, third, fifth), root)

    def tune(self) -> None:
        """Sing phrases of four bars: tones of the chord on the beats, steps of the scale between them."""
        rng, beats, parts = self._rng, self._signature.beats, self._signature.parts
        program, loud = int(rng.choice(LEADS)), rng.uniform(75, 110)
        phrase, legato = str(rng.choice(PHRASES)), rng.uniform(0.6, 1.0)
        busy, low = rng.uniform(0.25, 0.9), int(rng.integers(57, 70))
        likely = np.where(np.arange(beats * parts) % parts == 0, 0.9, busy)
        bars = {letter: np.flatnonzero(rng.random(beats * parts) < likely) for letter in "ABC"}
        for bar in range(self._n_bars):
            places = bars[phrase[bar % 4]]
            for k, length in zip(places, np.diff([*places, beats * parts]), strict=True):
                on_beat = k % parts == 0
                step = int(rng.choice((0, 2, 4) if on_beat else (0, 1, 2, 3, 4)))
                accent = 1.08 if k == 0 else 1.0 if on_beat else 0.92
                at = bar * beats + k / parts
                pitch = self._tone(at, step, low)
                self._add(program, pitch, loud * accent, at, legato * float(length) / parts)

    def _add(self, program: int, pitch: int, loud: float, start: float, length: float) -> None:
        if self._rng.random() > OMITTED:
            self._music.add(program, pitch, loud, start, length)
