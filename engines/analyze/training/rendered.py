"""Rendered music in files: what the engine hears of it, beside what is true of it.

`beat_pieces` writes pieces and `songs` whole songs, each as one `.npz` of its name; training scripts and
benches read them. Bands and pitches are kept in half precision, and of the tuning not how clear it is, which
nothing learns from. Which songs are for the rankers is said here too (`fold`).
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from engines._audio import FloatArray
from engines.analyze.pitches import Pitches
from engines.analyze.training.forms import Labelled

FOLDS = 4


def fold(song: str) -> int:
    """Say in which part of all songs one is, 0 to `FOLDS` - 1; however often it is arranged, it is in one."""
    return zlib.crc32(song.encode()) % FOLDS


def for_rankers(name: str) -> bool:
    """Tell whether a piece's song is kept from the networks, so that rankers see honest answers of it."""
    return fold(song_of(name)) == 0


def song_of(name: str) -> str:
    """Return the song of a piece's name, GROUP_SONG@SEED; one song may be arranged under several seeds."""
    return name.partition("_")[2].partition("@")[0]


@dataclass(frozen=True)
class Rendered:
    """What one pass hears, as `listening.Heard` has it, and where beats and downbeats are, in seconds."""

    name: str
    bands: FloatArray
    pitches: Pitches
    duration: float
    beats: FloatArray
    downbeats: FloatArray

    def save(self, folder: Path) -> Path:
        """Write it into a folder, and say where."""
        path = folder / f"{self.name}.npz"
        np.savez_compressed(path, **self._arrays())
        return path

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path) as stored:
            return cls(path.stem, **cls._fields(stored))

    def _arrays(self) -> dict[str, Any]:
        return {
            "bands": self.bands.astype(np.float16),
            "pitches": self.pitches.strength.astype(np.float16),
            "tuning": self.pitches.tuning,
            "duration": self.duration,
            "beats": self.beats,
            "downbeats": self.downbeats,
        }

    @classmethod
    def _fields(cls, stored: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "bands": stored["bands"].astype(np.float32),
            "pitches": Pitches(stored["pitches"].astype(np.float32), float(stored["tuning"]), 1.0),
            "duration": float(stored["duration"]),
            "beats": stored["beats"],
            "downbeats": stored["downbeats"],
        }


@dataclass(frozen=True)
class RenderedPiece(Rendered):
    """A piece in one meter, 0 if it has none, whose tempo in BPM is 0 then.

    `key` is empty if there is none, several, or an unknown one; `chords` are Harte's, those that are played:
    what none of them covers is unknown or has another name. `onsets` are when notes begin, in seconds; `loop`
    is whether it is cut as one.
    """

    meter: int
    tempo: float
    key: str
    chords: Labelled
    onsets: FloatArray
    drums_alone: bool
    loop: bool

    @property
    def group(self) -> str:
        """What kind of music it is."""
        return self.name.partition("_")[0]

    @property
    def song(self) -> str:
        """What it is an arrangement of."""
        return song_of(self.name)

    def _arrays(self) -> dict[str, Any]:
        plain = {
            name: getattr(self, name) for name in ("meter", "tempo", "key", "onsets", "drums_alone", "loop")
        }
        return super()._arrays() | plain | _labelled_arrays("chord", self.chords)

    @classmethod
    def _fields(cls, stored: Mapping[str, Any]) -> dict[str, Any]:
        return super()._fields(stored) | {
            "meter": int(stored["meter"]),
            "tempo": float(stored["tempo"]),
            "key": str(stored["key"]),
            "chords": _labelled("chord", stored),
            "onsets": stored["onsets"],
            "drums_alone": bool(stored["drums_alone"]),
            "loop": bool(stored["loop"]),
        }


@dataclass(frozen=True)
class RenderedSong(Rendered):
    """A whole song, with its sections and keys from first to last."""

    sections: Labelled
    keys: Labelled

    def _arrays(self) -> dict[str, Any]:
        truth = _labelled_arrays("section", self.sections) | _labelled_arrays("key", self.keys)
        return super()._arrays() | truth

    @classmethod
    def _fields(cls, stored: Mapping[str, Any]) -> dict[str, Any]:
        truth = {"sections": _labelled("section", stored), "keys": _labelled("key", stored)}
        return super()._fields(stored) | truth


def _labelled_arrays(what: str, pieces: Labelled) -> dict[str, Any]:
    return {
        f"{what}_times": np.array([(start, end) for start, end, _ in pieces]).reshape(-1, 2),
        f"{what}_labels": np.array([label for *_, label in pieces], np.str_),
    }


def _labelled(what: str, stored: Mapping[str, Any]) -> Labelled:
    times, labels = stored[f"{what}_times"], stored[f"{what}_labels"]
    return [(float(a), float(b), str(label)) for (a, b), label in zip(times, labels, strict=True)]
