"""OpenEWLD's lead sheets, arranged: a tune alone, or over chords, in bars of 4/4, 3/4, 2/4 and 6/8."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engines.analyze.training.drumming import add_drums
from engines.analyze.training.forms import key_of
from engines.analyze.training.performing import Music, Rng, log_uniform
from engines.generate.theory import NO_CHORD, Chord, parse_chord

# Time signature: quarters a beat, beats a bar. Cut time is felt in four here, as jazz tunes in it are played.
METERS = {(4, 4): (1.0, 4), (2, 2): (1.0, 4), (3, 4): (1.0, 3), (2, 4): (1.0, 2), (6, 8): (1.5, 2)}
TEMPI = {(4, 4): (66, 190), (2, 2): (80, 210), (3, 4): (70, 200), (2, 4): (66, 150), (6, 8): (45, 125)}
SHORTEST_S = 0.11  # the tune's usual note is at least so long
SINGING = (
    0, 4, 11, 16, 21, 22, 24, 25, 40, 41, 42, 52, 56, 60,
    64, 65, 66, 68, 69, 71, 72, 73, 74, 75, 78, 80, 105, 110,
)  # fmt: skip
PLAYING = (0, 1, 4, 5, 6, 16, 19, 21, 24, 25, 26, 46, 48, 49, 50, 52, 88, 89)
CHOIRS = (0, 6, 16, 19, 20, 48, 49, 52, 60, 71, 89)
BASSES = (32, 33, 34, 35, 38, 43, 58, 0)
SECONDS = 44.0


def tunes(folder: Path) -> list[Any]:
    """Read all lead sheets that note_seq can read, each as the longest stretch in one time signature."""
    import note_seq  # noqa: PLC0415 - takes seconds

    found = []
    for path in sorted(folder.rglob("*.mxl")):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                sheet = note_seq.musicxml_file_to_sequence_proto(str(path))
            pieces = note_seq.sequences_lib.split_note_sequence_on_time_changes(sheet)
        except Exception:  # noqa: S112 - its reader raises whatever it meets in a file
            continue
        piece = max(pieces, key=lambda p: len(p.notes))
        piece.id = path.stem
        signature = piece.time_signatures[0] if piece.time_signatures else None
        if signature and (signature.numerator, signature.denominator) in METERS and len(piece.notes) > 24:
            found.append(piece)
    return found


def beats_per_bar(sheet: Any) -> int:
    """Return how many beats a bar of a lead sheet has."""
    signature = sheet.time_signatures[0]
    return METERS[signature.numerator, signature.denominator][1]


def lead_sheet_music(sheets: list[Any], count: int, rng: Rng) -> Iterator[Music]:
    """Arrange `count` of them in some order, each time anew; they keep their titles."""
    order = rng.permutation(len(sheets))
    for i in range(count):
        sheet = sheets[order[i % len(sheets)]]
        yield _arranged(sheet, f"{sheet.id}@{i // len(sheets)}", rng)


def _arranged(sheet: Any, name: str, rng: Rng) -> Music:
    signature = sheet.time_signatures[0]
    meter = (signature.numerator, signature.denominator)
    unit, per_bar = METERS[meter]
    per_second = sheet.tempos[0].qpm / 60 if sheet.tempos else 2.0
    first = min(note.part for note in sheet.notes)
    tune = sorted(
        (n.start_time * per_second / unit, n.end_time * per_second / unit, n.pitch)
        for n in sheet.notes
        if n.part == first
    )
    gaps = np.diff(np.unique([start for start, *_ in tune]))
    low, high = TEMPI[meter]
    fastest = min(high, 60 * float(np.percentile(gaps, 15)) / SHORTEST_S)
    tempo = log_uniform(rng, min(low, fastest), max(low, fastest))
    written = int(np.ceil(tune[-1][1] / per_bar)) * per_bar
    n_beats = int(SECONDS * tempo / 60 / per_bar) * per_bar
    symbols = sorted(
        (a.time * per_second / unit, a.text) for a in sheet.text_annotations if a.annotation_type == 1
    )
    chords = [_chord_at(symbols, beat % written) for beat in range(n_beats)]
    swings = meter in {(4, 4), (2, 2)} and rng.random() < 0.3
    music = Music(
        name, "sheet", n_beats, per_bar, tempo, swing=float(rng.uniform(0.58, 0.68)) if swings else 0.5
    )
    shift, lead = int(rng.integers(-6, 7)), int(rng.choice(SINGING))
    start = int(rng.integers(max(1, written // per_bar // 2))) * per_bar
    texture = int(rng.choice(len(TEXTURES), p=[0.28, 0.12, 0.15, 0.15, 0.15, 0.15]))
    with_tune = texture == 0 or rng.random() < 0.85
    legato, loud = float(rng.uniform(0.6, 1.0)), float(rng.uniform(70, 110))
    for repeat in range(n_beats // written + 2):
        for on, off, pitch in tune:
            at = on + repeat * written - start
            if with_tune and 0 <= at < n_beats:
                accent = 1.08 if at % per_bar == 0 else 1.0
                music.add(lead, pitch + shift, loud * accent, at, (off - on) * legato)
    chords = chords[start:] + chords[:start]
    TEXTURES[texture](music, chords, shift, rng)
    if texture > 0:
        for beat, chord in enumerate(chords[:n_beats]):
            music.add_chord(beat, 1, [tone + shift for tone in chord.tones], chord.root + shift)
    music.key = _key(sheet, _chord_at(symbols, np.inf), shift)
    if texture > 1 and rng.random() < 0.45:
        add_drums(music, rng, ternary=meter == (6, 8))
    return music


def _key(sheet: Any, last: Chord, shift: int) -> str:
    """Return the key that signature and last chord agree on; files say of few minor keys that they are."""
    signatures = {(k.key, k.mode) for k in sheet.key_signatures}
    if len(signatures) != 1 or last.root < 0:
        return ""
    tonic, minor = signatures.pop()
    major = (tonic + 3 * minor) % 12
    for root, mode, third in ((major, "major", 4), ((major + 9) % 12, "minor", 3)):
        if last.root == root and (root + third) % 12 in last.tones:
            return key_of(root + shift, mode)
    return ""


def _chord_at(symbols: list[tuple[float, str]], beat: float) -> Chord:
    before = [text for at, text in symbols if at <= beat + 0.01]
    try:
        return parse_chord(before[-1]) if before else NO_CHORD
    except ValueError:
        return NO_CHORD


def _voiced(chord: Chord, shift: int, low: int) -> list[int]:
    return sorted(low + (tone + shift - low) % 12 for tone in chord.tones) if chord.root >= 0 else []


def _alone(music: Music, chords: list[Chord], shift: int, rng: Rng) -> None:
    """Leave the tune alone."""


def _chorale(music: Music, chords: list[Chord], shift: int, rng: Rng) -> None:
    """Three voices below the tune that move with every beat, or every other."""
    program, every = int(rng.choice(CHOIRS)), int(rng.choice([1, 1, 2]))
    loud = rng.uniform(55, 90)
    for beat in range(0, len(chords), every):
        chord = chords[beat]
        if chord.root < 0:
            continue
        bass = int(rng.choice(sorted(chord.tones))) if rng.random() < 0.35 else chord.root
        tones = [40 + (bass + shift - 40) % 12, *_voiced(chord, shift, int(rng.choice([50, 52, 55])))[:3]]
        for pitch in tones:
            length = every if rng.random() < 0.75 else every / 2
            music.add(program, pitch, loud, beat, 0.97 * length)
            if length < every:  # a passing note
                music.add(
                    program, pitch + int(rng.choice([-2, -1, 1, 2])), loud * 0.9, beat + length, 0.97 * length
                )


def _held(music: Music, chords: list[Chord], shift: int, rng: Rng) -> None:
    """Chords that are held until the next, struck again at bars."""
    program, loud, low = int(rng.choice(PLAYING)), rng.uniform(45, 85), int(rng.integers(46, 58))
    bars = rng.random() < 0.6
    starts = [
        b
        for b in range(len(chords))
        if b == 0 or chords[b] != chords[b - 1] or (bars and b % music.beats_per_bar == 0)
    ]
    for beat, after in zip(starts, [*starts[1:], len(chords)], strict=True):
        for pitch in _voiced(chords[beat], shift, low):
            music.add(program, pitch, loud, beat, 0.95 * (after - beat))
    if rng.random() < 0.5:
        _bass(music, chords, shift, rng)


def _afterbeats(music: Music, chords: list[Chord], shift: int, rng: Rng) -> None:
    """Bass on the strong beats, chords on the others."""
    program, loud, bass = int(rng.choice(PLAYING)), rng.uniform(50, 90), int(rng.choice(BASSES))
    halves = music.beats_per_bar == 2 and rng.random() < 0.6
    for beat, chord in enumerate(chords):
        if chord.root < 0:
            continue
        place = beat % music.beats_per_bar
        strong = place == 0 or (music.beats_per_bar == 4 and place == 2)
        if strong or halves:
            tone = chord.root if place == 0 else sorted(chord.tones)[-1]
            music.add(bass, 36 + (tone + shift - 36) % 12, loud * 1.1, beat, 0.8)
        if not strong or halves:
            at = beat + (0.5 if halves else 0.0)
            for pitch in _voiced(chord, shift, 53):
                music.add(program, pitch, loud, at, 0.4)


def _broken(music: Music, chords: list[Chord], shift: int, rng: Rng) -> None:
    """Chords played one note after the other."""
    program, loud = int(rng.choice(PLAYING)), rng.uniform(45, 85)
    parts = int(rng.choice([2, 2, 3, 4]))
    order = rng.permutation(4)
    for beat, chord in enumerate(chords):
        tones = _voiced(chord, shift, 48)
        for k in range(parts if tones else 0):
            place = (beat % music.beats_per_bar) * parts + k
            pitch = tones[0] - 12 if place == 0 else tones[order[place % 4] % len(tones)]
            music.add(program, pitch, loud * (1.1 if place == 0 else 0.95), beat + k / parts, 1.2 / parts)


def _strummed(music: Music, chords: list[Chord], shift: int, rng: Rng) -> None:
    """Chords in a rhythm of eighths that is the same in every bar, and a bass."""
    program, loud = int(rng.choice(PLAYING)), rng.uniform(50, 90)
    eighths = 2 * music.beats_per_bar
    pattern = rng.random(eighths) < np.where(np.arange(eighths) % 2 == 0, 0.75, 0.4)
    pattern[0] = rng.random() < 0.85
    for beat, chord in enumerate(chords):
        for half in (0, 1):
            if pattern[(beat % music.beats_per_bar) * 2 + half]:
                for pitch in _voiced(chord, shift, 50):
                    music.add(program, pitch, loud * (1.0 if half == 0 else 0.85), beat + half / 2, 0.4)
    _bass(music, chords, shift, rng)


def _bass(music: Music, chords: list[Chord], shift: int, rng: Rng) -> None:
    program, loud = int(rng.choice(BASSES)), rng.uniform(65, 105)
    walking, every = rng.random() < 0.4, int(rng.choice([1, 2, music.beats_per_bar]))
    for beat, chord in enumerate(chords):
        place = beat % music.beats_per_bar
        if chord.root < 0 or (not walking and place % every):
            continue
        tone = chord.root
        if walking and place:
            tone = int(rng.choice(sorted(chord.tones)))
        length = 0.9 if walking else 0.9 * min(every, 2)
        music.add(program, 28 + (tone + shift - 28) % 12, loud, beat, length)


TEXTURES: tuple[Callable[[Music, list[Chord], int, Rng], None], ...] = (
    _alone,
    _chorale,
    _held,
    _afterbeats,
    _broken,
    _strummed,
)
