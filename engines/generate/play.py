"""From a request to a piece: which models play, under which chords, in which order.

The operations in the package's head say what can be asked; the functions here do it. Each part draws from
random numbers of its own, so that asking for other drums does not change the bass.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from engines._notes import Note, Part
from engines._units import Progress, silent
from engines.generate import drumming, feel, harmonies, line, sampling, store, styles
from engines.generate.hearing import key_of
from engines.generate.request import MAX_COUNT, MAX_SEED, Frame, between, frame
from engines.generate.result import ModelUsed
from engines.generate.theory import Chord, pitch_class, scale_tones
from engines.generate.theory import progression as read_chords

STREAMS: Final = {"harmony": 0, "melody": 1, "bass": 2, "drums": 3, "feel": 4}
PROGRAMS: Final = {"melody": 0, "bass": 33, "harmony": 0, "drums": 0}  # piano, fingered bass
RANGES: Final = {"melody": (55, 81), "bass": (28, 55), "harmony": (52, 76)}  # G3-A5; E1-G3; E3-E5


@dataclass(frozen=True)
class Asked:
    """What every kind of part understands; see `request` for the units."""

    frame: Frame
    temperature: float = 1.0
    density: float = 0.5
    swing: float | None = None
    seed: int = 0
    pattern: styles.Pattern | None = None
    chords: tuple[Chord, ...] = ()
    slots_per_bar: int = harmonies.SLOTS_PER_BAR
    low: int | None = None
    high: int | None = None
    model: str | None = None
    count: int = 1

    def model_for(self, role: str) -> str:
        """Return the model asked for where it is for this role, else the shipped one: for several parts."""
        chosen = self.model is not None and store.role_of_installed(self.model) == role
        return self.model if self.model is not None and chosen else role


@dataclass(frozen=True)
class Written:
    """One part, what its model thinks of it, the model, and the drum pattern that steered it."""

    part: Part
    judgement: sampling.Judgement | None
    model: ModelUsed | None
    steered_by: str | None = None


def asked(
    *,
    bars: int,
    tempo: float,
    time_signature: str = "4/4",
    key: str | None = None,
    scale: str | None = None,
    chords: str | None = None,
    temperature: float = 1.0,
    density: float = 0.5,
    swing: float | None = None,
    style: str | None = None,
    low: int | None = None,
    high: int | None = None,
    seed: int | None = None,
    model: str | None = None,
    count: int = 1,
) -> Asked:
    """Check a request, and settle what it leaves open.

    Without key and scale it is C major; where chords are given instead, it is the key they fit best, and
    their own tones may sound too.

    Raises
    ------
    ValueError
        Naming the field, what came and what is allowed.
    """
    between("temperature", temperature, 0, 2)
    between("density", density, 0, 1)
    between("count", count, 1, MAX_COUNT)
    if swing is not None:
        between("swing", swing, 0, 1)
    for field, value in (("low", low), ("high", high)):
        if value is not None:
            between(field, value, 0, 127)
    if low is not None and high is not None and low > high:
        raise ValueError(f"low: {low}; must not be above high ({high})")
    if seed is not None:
        between("seed", seed, 0, MAX_SEED)
    fixed = frame(
        bars=bars, tempo=tempo, time_signature=time_signature, key=key or "C", scale=scale or "major"
    )
    pattern = styles.find(style) if style else None
    slots: list[Chord] = []
    per_bar = harmonies.SLOTS_PER_BAR
    if chords is not None:
        per_bar = 4 if fixed.steps_per_bar % 4 == 0 else 2
        slots = read_chords(chords, bars, per_bar)
        fixed = _frame_of_chords(fixed, slots, key, scale)
    if swing is None and pattern is not None:
        swing = pattern.swing
    return Asked(
        fixed,
        temperature,
        density,
        swing,
        secrets.randbelow(MAX_SEED) if seed is None else seed,
        pattern,
        tuple(slots),
        per_bar,
        low,
        high,
        model,
        count,
    )


def write_drums(ask: Asked, count: int = 1, progress: Progress = silent) -> list[Written]:
    """Write `count` drum parts."""
    model = store.load(ask.model or "drums", "drums")
    pattern = ask.pattern
    metre = (ask.frame.numerator, ask.frame.denominator)
    if pattern is None and metre in styles.METRES:
        pattern = styles.find(styles.METRES[metre])
    kit = drumming.Kit(pattern, ask.density, ask.temperature, ask.low, ask.high)
    columns = (ask.frame.bars + drumming.PRIMER_BARS) * ask.frame.steps_per_bar
    numbers = sampling.uniforms(ask.seed, STREAMS["drums"], count, columns)
    used = ModelUsed("drums", model.name, model.sha256)
    made = []
    for index, (events, judgement) in enumerate(drumming.compose(model, ask.frame, kit, numbers, progress)):
        rng = np.random.Generator(
            np.random.Philox(np.random.SeedSequence([ask.seed, STREAMS["feel"], index]))
        )
        name = pattern.name if pattern else None
        hits = feel.drums(drumming.notes(events), ask.frame, name, rng, timing=0.0, loudness=1.0)
        hits = feel.swung(hits, ask.swing or 0.0, bool(pattern and pattern.eighths))
        made.append(Written(Part("drums", hits, drums=True), judgement, used, name))
    return made


def write_chords(
    ask: Asked, count: int = 1, progress: Progress = silent, bias: npt.NDArray[np.float32] | None = None
) -> tuple[list[list[Chord]], int, ModelUsed | None, list[sampling.Judgement | None]]:
    """Return progressions, entries a bar, the model that wrote them and what it thinks of them.

    Those asked for are kept.
    """
    if ask.chords:
        return [list(ask.chords)] * count, ask.slots_per_bar, None, [None] * count
    model = store.load(ask.model_for("harmony"), "harmony")
    numbers = sampling.uniforms(ask.seed, STREAMS["harmony"], count, ask.frame.bars * harmonies.SLOTS_PER_BAR)
    tonic = pitch_class(ask.frame.key)
    made = harmonies.progression(
        model, ask.frame, tonic, ask.temperature, numbers, progress=progress, pull=bias
    )
    used = ModelUsed("harmony", model.name, model.sha256)
    return (
        [chords for chords, _ in made],
        harmonies.SLOTS_PER_BAR,
        used,
        [judgement for _, judgement in made],
    )


def write_harmony(
    ask: Asked, chords: Sequence[Chord], slots_per_bar: int, judgement: sampling.Judgement | None
) -> Written:
    """Voice a progression."""
    low, high = _range(ask, "harmony")
    notes = harmonies.voiced(chords, ask.frame, slots_per_bar, low, high)
    notes = harmonies.struck(notes, ask.frame, ask.density)
    swung = feel.swung(notes, ask.swing or 0.0, bool(ask.pattern and ask.pattern.eighths))
    return Written(Part("harmony", swung, PROGRAMS["harmony"]), judgement, None)


def write_line(
    ask: Asked,
    role: str,
    chords: Sequence[Chord],
    slots_per_bar: int,
    count: int = 1,
    *,
    progress: Progress = silent,
) -> list[Written]:
    """Write `count` melodies or basses over chords."""
    model = store.load(ask.model or role, role)
    low, high = _range(ask, role)
    voice = line.Voice(low, high, ask.density, ask.temperature, grounded=role == "bass")
    under = line.per_step(chords, ask.frame, slots_per_bar)
    numbers = sampling.uniforms(ask.seed, STREAMS[role], count, ask.frame.steps)
    used = ModelUsed(role, model.name, model.sha256)
    made = []
    composed = line.compose(model, ask.frame, voice, under, numbers, progress=progress)
    for index, (notes, judgement) in enumerate(composed):
        made.append(Written(finished(ask, role, notes, index), judgement, used))
    return made


def finished(ask: Asked, role: str, notes: tuple[Note, ...], index: int = 0) -> Part:
    """Give a pitched line its weight and swing."""
    stream = [ask.seed, STREAMS["feel"], STREAMS[role], index]
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(stream)))
    shaped = feel.pitched(notes, ask.frame, rng, timing=0.0, loudness=1.0)
    swung = feel.swung(shaped, ask.swing or 0.0, bool(ask.pattern and ask.pattern.eighths))
    return Part(role, swung, PROGRAMS[role])


def _frame_of_chords(fixed: Frame, slots: Sequence[Chord], key: str | None, scale: str | None) -> Frame:
    """Return the frame chords imply where key or scale are not given."""
    if scale is not None:
        return fixed
    sounding = [
        Note(float(i), tone, 1.0) for i, chord in enumerate(slots) for tone in (*chord.tones, chord.root)
    ]
    sounding = [note for note in sounding if note.pitch >= 0]
    heard, mode = key_of(sounding)
    tonic = key or heard
    if key is not None:  # the mode whose scale holds more of what the chords play
        mode = max(
            ("major", "minor"), key=lambda m: sum(n.pitch % 12 in scale_tones(key, m) for n in sounding)
        )
    tones = scale_tones(tonic, mode) | {note.pitch % 12 for note in sounding}
    return replace(fixed, key=tonic, scale=mode, tones=frozenset(tones))


def _range(ask: Asked, role: str) -> tuple[int, int]:
    return within(ask, *RANGES[role])


def within(ask: Asked, low: int, high: int) -> tuple[int, int]:
    """Return the range asked for; an end left open is the part's own, or an octave from the other."""
    if ask.low is not None:
        low = ask.low
        high = max(high, low + 12) if ask.high is None else high
    if ask.high is not None:
        high = ask.high
        low = min(low, high - 12) if ask.low is None else low
    return max(0, low), min(127, high)
