"""From what the network says of each key to notes: where they begin, how long they hold, how strong.

Indices are frames and columns of the activations; column 0 is A0. The method is Basic Pitch's (section 3.3
of the paper, `note_creation.py` of version 0.4.0), decided for whole columns at a time instead of frame by
frame: onsets from the last to the first claim the frames that follow them, then what is left above the
threshold becomes notes of its own, strongest first, growing both ways.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from engines._audio import FloatArray
from engines.transcribe.onset_choice import LOWEST_PEAK, chooser, features, peaks
from engines.transcribe.pitch_model import BINS_A_SEMITONE, N_PITCHES, Activations

IntArray: TypeAlias = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Rules:
    """What counts as a note.

    Attributes
    ----------
    onset_threshold
        An onset is a peak at least this likely.
    frame_threshold
        A note holds while its key is at least this likely.
    shortest
        Frames that a note must exceed.
    tolerance
        Frames below the threshold that end a note.
    leftover_threshold
        What no onset claimed is a note of its own if its strongest frame is at least this likely.
    chosen
        Whether the trained network of `onset_choice` decides on onsets, instead of their threshold.
    """

    onset_threshold: float = 0.5
    frame_threshold: float = 0.3
    shortest: int = 11
    tolerance: int = 11
    leftover_threshold: float = 0.3
    chosen: bool = False


BASIC_PITCH = Rules()  # what the package does unless told otherwise
# What was best on the pieces that `training/train_onsets.py` made: with onsets known, notes may be short.
TRAINED = Rules(shortest=5, leftover_threshold=0.8, chosen=True)


@dataclass(frozen=True, order=True)
class FoundNote:
    """A note in frames and columns: [start, end), its key, and its mean likelihood."""

    start: int
    pitch: int
    end: int
    amplitude: float


def create_notes(heard: Activations, rules: Rules) -> list[FoundNote]:
    """Turn activations into notes, in order of start.

    Parameters
    ----------
    heard
        Activations of shape (n_frames, 88); not changed.
    rules
        What counts as a note.

    Returns
    -------
    list[FoundNote]
        None where nothing is likely enough, or for less than three frames.
    """
    notes = heard.notes
    n = len(notes)
    if n < 3:
        return []
    onsets = with_rises(heard.onsets, notes)
    left = notes.copy()
    found: list[FoundNote] = []

    def claim(start: int, end: int, pitch: int) -> None:
        left[start:end, max(0, pitch - 1) : pitch + 2] = 0

    times, pitches = _onsets(notes, onsets, rules)
    for start, pitch in zip(times[::-1].tolist(), pitches[::-1].tolist(), strict=True):
        end = start + 1 + holds(left[start + 1 : n - 1, pitch], rules)
        if end - start > rules.shortest:
            claim(start, end, pitch)
            found.append(FoundNote(start, pitch, end, float(notes[start:end, pitch].mean())))

    times, pitches = np.nonzero(left > rules.leftover_threshold)
    order = np.argsort(-left[times, pitches], kind="stable")
    for middle, pitch in zip(times[order].tolist(), pitches[order].tolist(), strict=True):
        if left[middle, pitch] <= rules.leftover_threshold:
            continue  # part of a stronger note by now
        forward, backward = left[middle + 1 : n - 1, pitch], left[1:middle, pitch][::-1]
        ahead, behind = holds(forward, rules), holds(backward, rules)
        claim(middle + 1, middle + 1 + min(ahead + rules.tolerance, len(forward)), pitch)
        claim(middle - min(behind + rules.tolerance, len(backward)), middle, pitch)
        left[middle, pitch] = 0
        start, end = middle - behind, middle + ahead
        if end - start > rules.shortest:
            found.append(FoundNote(start, pitch, end, float(notes[start:end, pitch].mean())))
    return sorted(found)


def _onsets(notes: FloatArray, onsets: FloatArray, rules: Rules) -> tuple[IntArray, IntArray]:
    if not rules.chosen:
        return peaks(onsets, rules.onset_threshold)
    times, pitches = peaks(onsets, LOWEST_PEAK)
    likely = chooser().weigh(features(notes, onsets, times, pitches)) >= chooser().threshold
    return times[likely], pitches[likely]


def holds(column: FloatArray, rules: Rules) -> int:
    """Count the frames until a column stays below the threshold for `tolerance` frames, or to its end.

    At the end, frames below the threshold that have not lasted that long are not counted either.
    """
    size = 256
    while True:  # most notes are short, some last minutes
        below = column[:size] < rules.frame_threshold
        length = len(below)
        above = np.flatnonzero(~below)
        # Runs of silence lie between neighbouring frames above, and before the first.
        gaps = np.diff(above, prepend=-1) - 1
        long = np.flatnonzero(gaps >= rules.tolerance)
        if long.size:
            return int(above[long[0] - 1]) + 1 if long[0] else 0
        last = int(above[-1]) + 1 if above.size else 0
        if length == len(column) or length - last >= rules.tolerance:
            return last
        size *= 4


def with_rises(onsets: FloatArray, notes: FloatArray) -> FloatArray:
    """Return onsets, raised to where a key's likelihood rises over one and over two frames.

    Rises are scaled so that the largest equals the likeliest onset.
    """
    rise = np.zeros_like(notes)
    rise[2:] = np.minimum(notes[2:] - notes[1:-1], notes[2:] - notes[:-2])
    np.maximum(rise, 0, out=rise)
    largest = float(rise.max(initial=0))
    if largest > 0:
        rise *= onsets.max() / largest
    result: FloatArray = np.maximum(onsets, rise)
    return result


_BEND_REACH = 25  # thirds of a semitone to each side that are looked at
_BEND_SPREAD = 5.0  # standard deviation of the preference for no bend
_BEND_WINDOW = np.exp(-0.5 * (np.arange(-_BEND_REACH, _BEND_REACH + 1) / _BEND_SPREAD) ** 2)


def bend(contours: FloatArray, note: FoundNote) -> FloatArray:
    """Return by how many semitones a note is bent at each of its frames, shape (n_frames,).

    The strongest contour within eight semitones, those nearer preferred, and the vertex of the parabola
    through its neighbours. In tune is the middle one of a key's three bins (the package takes the lowest,
    and so tells every note a third of a semitone sharp).
    """
    centre = BINS_A_SEMITONE * note.pitch + 1
    low, high = max(0, centre - _BEND_REACH), min(BINS_A_SEMITONE * N_PITCHES, centre + _BEND_REACH + 1)
    window = _BEND_WINDOW[low - centre + _BEND_REACH : high - centre + _BEND_REACH]
    heard = np.pad(contours[note.start : note.end, low:high] * window, ((0, 0), (1, 1)))
    best = np.argmax(heard[:, 1:-1], axis=1) + 1
    rows = np.arange(len(heard))
    left, middle, right = heard[rows, best - 1], heard[rows, best], heard[rows, best + 1]
    curve = 2 * middle - left - right
    shift = np.where(curve > 1e-6, 0.5 * (right - left) / np.maximum(curve, 1e-6), 0.0)
    result: FloatArray = (best - 1 + np.clip(shift, -0.5, 0.5) + low - centre) / BINS_A_SEMITONE
    return result
