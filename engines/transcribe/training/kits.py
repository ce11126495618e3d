"""Drum kits to train on: one-shots of soundfonts, of the drum machine Hydrogen, and of folders of sounds.

A kit is, by General MIDI percussion key, one or more one-shots from soft to loud, mono at 44100 Hz. Playing
a performance is then adding them up, a thousand times as fast as synthesising each.
"""

import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from engines._audio import FloatArray, load_mono
from engines._errors import UndecodableError
from engines._notes import Note, Part, Score, write
from engines.transcribe.training.scores import CLASS_OF, DRUM_KEYS, SR, Played, render

Kit: TypeAlias = dict[int, list[FloatArray]]
Spectra: TypeAlias = NDArray[np.complex64]

VELOCITIES = (40, 80, 120)
# GS's brush kits have a swirl on key 40, which begins nowhere: they play the tap on 38 in its place.
BRUSHES = (40, 41, 42)
_APART_S = 2.0


def sampled_kit(soundfont: Path, program: int) -> Kit:
    """Strike every drum of one of a soundfont's kits at three velocities and keep the sounds."""
    return _struck(soundfont, program, drums=True)


def sampled_kits(soundfont: Path, programs: Iterable[int]) -> list[Kit]:
    """Strike each of a soundfont's kits once: fluidsynth plays another one for a program that it lacks."""
    kits: list[Kit] = []
    for kit in (sampled_kit(soundfont, program) for program in programs):
        if not any(_alike(kit, known) for known in kits):
            kits.append(kit)
    return kits


def _alike(kit: Kit, other: Kit) -> bool:
    return kit.keys() == other.keys() and all(
        len(shots) == len(other[key]) and all(map(np.array_equal, shots, other[key]))
        for key, shots in kit.items()
    )


def single_kit(soundfont: Path) -> Kit:
    """Read a soundfont that is one kit, as its first program: as the kits of avldrums are.

    Those have a hi-hat and a choked crash on the keys of two toms, 48 and 50, which are left out.
    """
    return {key: shots for key, shots in _struck(soundfont, 0, drums=False).items() if key not in (48, 50)}


def unlike(kits: Sequence[Kit], others: Sequence[Kit]) -> list[Kit]:
    """Leave out of kits every sound that is, but for its level, a recording in one of the others.

    The free soundfonts have taken many of each other's: what is measured on would have been trained on.
    """
    known = [_print(shot) for kit in others for shots in kit.values() for shot in shots]
    heard = np.stack(known) if known else np.zeros((0, _PRINT // 2 + 1), np.complex64)

    def new(shot: FloatArray) -> bool:
        one = _print(shot).conj()
        return all(
            np.abs(scipy.fft.irfft(part * one, axis=1)).max(initial=0) < 0.9
            for part in np.array_split(heard, 1 + len(heard) // 256)
        )

    found = [{key: [s for s in shots if new(s)] for key, shots in kit.items()} for kit in kits]
    return [{key: shots for key, shots in kit.items() if shots} for kit in found]


_PRINT = 4096  # samples, half of them zeros, at a quarter of the rate: the first 0.19 s


def _print(shot: FloatArray) -> Spectra:
    """Return the spectrum of a sound's beginning, of which correlations are made, at unit power."""
    y = shot[: 2 * _PRINT]
    y = y[: len(y) // 4 * 4].reshape(-1, 4).mean(axis=1)
    y = y / (np.sqrt(np.vdot(y, y)) + 1e-9)
    result: Spectra = scipy.fft.rfft(y.astype(np.float32), _PRINT)
    return result


def _struck(soundfont: Path, program: int, *, drums: bool) -> Kit:
    left_out = (22, 26, 58, 40) if drums and program in BRUSHES else (22, 26, 58)
    keys = [key for keys in DRUM_KEYS.values() for key in keys if key not in left_out]
    strikes = [(key, velocity) for key in keys for velocity in VELOCITIES]
    part = tuple(Note(2 * _APART_S * i, key, 0.5, velocity) for i, (key, velocity) in enumerate(strikes))
    score = Score((Part("kit", part, program, drums=drums),), quarters=2 * _APART_S * len(strikes))
    data = write(score)
    # The channel's program chooses the kit; the writer leaves it out for drums, so it is put in front.
    y = render(_with_program(data, program) if drums else data, soundfont, gain=0.6).mean(axis=0)
    kit: Kit = {}
    for i, (key, _) in enumerate(strikes):
        a = round(i * _APART_S * SR)
        shot = y[a : a + round(_APART_S * SR)]
        if len(shot) and np.abs(shot).max() > 1e-4:
            kit.setdefault(key, []).append(trimmed(shot))
    return as_loud(kit)


_NAMED = (  # what a sound is called, in the order it is looked for, and the percussion key that is meant
    (r"kick|kik\b|bass ?drum|drum bass|\bbd\b|^(\d+ )?k\b", 36),
    (r"stick|\bstk\b|\brim", 37),
    (r"clap|\bclp\b", 39),
    (r"snare|snr|\bs[dn]\b|^(\d+ )?s\b", 38),
    (r"open ?(hat|hh|hi)|(hat|hihat|hi-hat|hh|cymbal|\bh) open|hat o\b|\boh$", 46),
    (r"pedal|foot", 44),
    (r"hat|\bhh|cymbal closed|\bh closed", 42),
    (r"floor|tom lo?w?\b|low tom|tom 3", 43),
    (r"tom hi?\b|(hi|high) tom|tom 1", 48),
    (r"\btom(?!i)", 45),
    (r"\bride", 51),
    (r"crash|cym(?!rev)|splash|china", 49),
)


def key_of(name: str) -> int | None:
    """Return the General MIDI percussion key of a sound by its name; None if that says nothing."""
    words = re.sub(r"[\W_]+|(?<=\D)(?=\d)", " ", name.lower().replace("'", ""))
    return next((key for pattern, key in _NAMED if re.search(pattern, words)), None)


_LOUD = {36: 1.0, 42: 0.4, 44: 0.3, 46: 0.4, 49: 0.6, 51: 0.4}  # beside a bass drum; others 0.8
# Heard in a song that is measured on.
HELD_BACK_SHOTS = ("kick_hard01", "snare_acoustic01", "hihat_closed01", "hihat_opened01")


def kits_of_shots(folder: Path) -> list[Kit]:
    """Put kits together from a folder of one-shots whose names say what they are, as LMMS and Sonic Pi have.

    Its folders are looked through as well. As many kits as there are sounds of the commonest drum; the others
    come round again.
    """
    shots: dict[int, list[FloatArray]] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        key = key_of(file.stem)
        if key is not None and file.stem not in HELD_BACK_SHOTS:
            y = _shot(file)
            if y is not None:
                shots.setdefault(key, []).append(_LOUD.get(key, 0.8) * y / np.abs(y).max())
    count = max(map(len, shots.values()), default=0)
    return [{key: [sounds[i % len(sounds)]] for key, sounds in shots.items()} for i in range(count)]


def hydrogen_kit(folder: Path) -> Kit:
    """Read a kit of the drum machine Hydrogen: a folder with `drumkit.xml` and recordings.

    What a drum is is read off its name; names that say nothing, and percussion, are left out. One to three
    layers of each are kept, from soft to loud.
    """
    text = (folder / "drumkit.xml").read_text("utf-8", "replace")
    kit: Kit = {}
    for instrument in text.split("<instrument>")[1:]:
        names = re.findall(r"<name>([^<]*)", instrument)
        key = key_of(names[0]) if names else None
        files = [folder / html.unescape(name) for name in re.findall(r"<filename>([^<]*)", instrument)]
        shots = [shot for shot in map(_shot, files) if shot is not None]
        if key is None or key in kit or not shots:
            continue
        chosen = shots if len(shots) <= 3 else [shots[0], shots[len(shots) // 2], shots[-1]]
        peaks = [float(np.abs(shot).max()) for shot in chosen]
        kit[key] = [shot for _, shot in sorted(zip(peaks, chosen, strict=True), key=lambda x: x[0])]
    return as_loud(kit)


def _shot(file: Path) -> FloatArray | None:
    """Read one sound; None if it is missing, silent, or in a format that cannot be read."""
    try:
        y = load_mono(file, SR)
    except (FileNotFoundError, UndecodableError):
        return None
    return trimmed(y) if np.abs(y).max() > 1e-4 else None


def _with_program(midi: bytes, program: int) -> bytes:
    """Set the drum channel's program at the start of the second track."""
    at = midi.index(b"MTrk", 22)
    size = int.from_bytes(midi[at + 4 : at + 8], "big")
    change = bytes((0x00, 0xC9, program))
    return midi[: at + 4] + (size + 3).to_bytes(4, "big") + change + midi[at + 8 :]


def as_loud(kit: Kit) -> Kit:
    """Scale a kit so that its loudest sample is 1, and its drums go with those of others."""
    loudest = max((float(np.abs(shot).max()) for shots in kit.values() for shot in shots), default=1.0)
    return {key: [shot / loudest for shot in shots] for key, shots in kit.items()}


def trimmed(y: FloatArray) -> FloatArray:
    """Cut off what is 80 dB below a sound's peak at its end."""
    loud = np.flatnonzero(np.abs(y) > 1e-4 * np.abs(y).max())
    return y[: loud[-1] + 1].copy()


def play(notes: Sequence[Played], kit: Kit, seconds: float) -> FloatArray:
    """Play a performance on a kit, shape (n_samples,); an open hat ends where the hat is struck again."""
    y = np.zeros(round(seconds * SR) + 1)
    hats = [n.start for n in notes if CLASS_OF.get(n.pitch) == CLASS_OF[42]]
    for note in notes:
        shots = kit.get(_key(kit, note.pitch), [])
        start = round(note.start * SR)
        if not shots or start >= len(y):
            continue
        layer = int(np.argmin(np.abs(np.linspace(40, 120, len(shots)) - note.velocity))) if shots[1:] else 0
        nominal = VELOCITIES[layer] if len(shots) == len(VELOCITIES) else 100
        shot = shots[layer] * (note.velocity / nominal) ** 1.5
        if note.pitch in (26, 46):
            later = [t for t in hats if t > note.start + 0.02]
            if later:
                shot = _choked(shot, round((min(later) - note.start) * SR))
        shot = shot[: len(y) - start]
        y[start : start + len(shot)] += shot
    return y.astype(np.float32)


def audible(notes: Sequence[Played], kit: Kit) -> list[Played]:
    """Return the strokes for which a kit has a sound."""
    return [note for note in notes if _key(kit, note.pitch) in kit]


def needed(notes: Sequence[Played], kit: Kit) -> Kit:
    """Return the sounds of a kit that a performance plays."""
    keys = {_key(kit, pitch) for pitch in {note.pitch for note in notes}}
    return {key: shots for key, shots in kit.items() if key in keys}


def _choked(shot: FloatArray, n: int) -> FloatArray:
    fade = np.clip((n + 400 - np.arange(len(shot))) / 400, 0, 1)
    result: FloatArray = shot * fade
    return result


def _key(kit: Kit, pitch: int) -> int:
    """Return the kit's own key for a pitch: itself, or the first of its class."""
    edges = {22: 42, 26: 46, 58: 43, 40: 38, 35: 36}
    for key in (pitch, edges.get(pitch, pitch), *_family(pitch)):
        if key in kit:
            return key
    return -1


def _family(pitch: int) -> Iterable[int]:
    return DRUM_KEYS[CLASS_OF[pitch]] if pitch in CLASS_OF else ()
