"""Measure how good the generated music is, beside real music that was not trained on.

    python bench/generate_quality.py --work WORK [--pieces 200] [--phrases 1000]

WORK is the folder of `python -m engines.generate.training`, with the event sequences of the training sets;
nothing of it is needed to run the program. Prints held-out NLL, figures of drums and of melodies, chord-tone
rates, and the longest run of notes (pitch intervals with rhythm) that a phrase shares with any training song.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engines import generate
from engines._notes import Note
from engines.generate import drumming, store
from engines.generate.training import corpus, measure, overlap
from engines.generate.training.overlap import PROGRESSIONS, SEED, notes_of

Ints = npt.NDArray[np.int64]


def drum_figures(events: Ints) -> dict[str, float]:
    """Figures of four bars of drums, shape (64,) of bit masks; groove consistency as muspy defines it."""
    hits = ((events[:, None] >> np.arange(9)) & 1).reshape(-1, 16, 9)
    sounding = hits.any(axis=2).astype(int)
    return {
        "hits a bar": hits.sum() / len(hits),
        "kick on one": hits[:, 0, 0].mean(),
        "backbeat": (hits[:, 4, 1].mean() + hits[:, 12, 1].mean()) / 2,
        "snare elsewhere": np.delete(hits[:, :, 1], [4, 12], axis=1).mean(),
        "hats on eighths": hits[:, ::2, 2].mean(),
        "groove consistency": 1 - np.abs(np.diff(sounding, axis=0)).mean(),
    }


def tune_figures(notes: Iterable[Note], quarters: float) -> dict[str, float]:
    """Figures of a melody as muspy defines them: entropy in bits, rates from 0 to 1."""
    line = list(notes)
    counts = np.bincount([n.pitch % 12 for n in line], minlength=12).astype(float)
    p = counts[counts > 0] / counts.sum()
    steps = np.zeros(round(quarters * 4), int)
    for note in line:
        steps[min(len(steps) - 1, round(note.start * 4))] = 1
    bars = steps.reshape(-1, 16)
    beats = steps.reshape(-1, 4)
    scales = [sum(counts[(k + d) % 12] for d in (0, 2, 4, 5, 7, 9, 11)) / counts.sum() for k in range(12)]
    return {
        "notes a bar": len(line) / len(bars),
        "pitch-class entropy": float(-(p * np.log2(p)).sum()),
        "scale consistency": float(max(scales)),
        "groove consistency": float(1 - np.abs(np.diff(bars, axis=0)).mean()),
        "empty-beat rate": float((beats.sum(axis=1) == 0).mean()),
    }


def table(title: str, rows: dict[str, list[dict[str, float]]]) -> None:
    print(f"\n{title}")
    names = list(next(iter(rows.values()))[0])
    print(" " * 28 + "".join(f"{name:>21}" for name in names))
    for label, found in rows.items():
        cells = (f"{np.mean([f[n] for f in found]):.3f} +-{np.std([f[n] for f in found]):.2f}" for n in names)
        print(f"{label + f' ({len(found)})':28}" + "".join(f"{cell:>21}" for cell in cells))


def likelihoods(work: Path) -> None:
    print("held-out songs, state carried through, first 512 steps, own key; nats a step")
    for part in ("drums", "melody", "bass", "harmony"):
        data = work / f"{'melody' if part == 'harmony' else part}.npz"
        network = store.load(part, part).network
        test = corpus.load(data, "test")
        if part == "drums":
            long = [s for s in test if s.steps_per_bar == 16 and len(s.events) > 6 * 16]
            fit = measure.held_out(network, part, long)
            print(f"{'drums, 4/4, 7 bars or more':28} NLL {fit.nll:.4f}, accuracy {fit.accuracy:.3f}")
        fit = measure.held_out(network, part, test)
        print(f"{part:28} NLL {fit.nll:.4f}, accuracy {fit.accuracy:.3f}, ", end="")
        print(f"unigram {fit.unigram:.3f}, {fit.steps} steps")


def drums(work: Path, pieces: int) -> None:
    real = []
    for song in corpus.load(work / "drums.npz", "test"):
        if song.steps_per_bar == 16 and ":beat" in song.song:
            events = song.events.astype(np.int64)
            real += [drum_figures(events[i : i + 64]) for i in range(0, len(events) - 63, 64)]
    made = []
    for seed in range(pieces):
        notes = generate.drums(bars=4, seed=SEED + seed).tracks[0].notes
        made.append(drum_figures(drumming.events(notes, 64)))
    table("drums, four bars, temperature 1", {"Groove, held out": real, "generated": made})


def melodies(work: Path, pieces: int) -> None:
    test = [s for s in corpus.load(work / "melody.npz", "test") if s.steps_per_bar == 16]
    real = []
    for song in test:
        for i in range(0, len(song.events) - 127, 128):
            line = notes_of(song.events[i : i + 128])
            if len(line) > 3:
                real.append(tune_figures(line, 32.0))
    made: list[dict[str, float]] = []
    free: list[dict[str, float]] = []
    for seed in range(pieces):
        chords = PROGRESSIONS[seed % len(PROGRESSIONS)]
        for rows, scale in ((made, None), (free, "chromatic")):
            piece = generate.melody(scale=scale, chords=chords, bars=8, seed=SEED + seed)
            line = list(piece.tracks[0].notes)
            if len(line) > 3:
                rows.append(tune_figures(line, 32.0))
    table("melodies, eight bars, temperature 1", {"held out": real, "in a scale": made, "free": free})


def chord_tones(work: Path, pieces: int) -> None:
    print("\nchord tones among notes that start on beats one and three of 4/4")
    for part in ("melody", "bass"):
        here = total = 0
        for song in corpus.load(work / f"{part}.npz", "test"):
            if song.steps_per_bar == 16:
                for step in range(0, len(song.events), 8):
                    chord = int(song.chords[step])
                    if song.events[step] >= 0 and chord != corpus.PACKED_NO_CHORD:
                        total += 1
                        here += chord >> 8 >> (int(song.events[step]) % 12) & 1
        write = generate.melody if part == "melody" else generate.bassline
        rates = []
        for seed in range(pieces):
            chords = PROGRESSIONS[seed % len(PROGRESSIONS)]
            rates.append(write(chords=chords, bars=8, seed=SEED + seed).facts.chord_tone_rate)
        known = [rate for rate in rates if rate is not None]
        print(f"{part:8} held out {here / max(1, total):.3f}, generated {np.mean(known):.3f}")


def memorised(work: Path, phrases: int) -> None:
    print("\nlongest run of eight bars shared with a training song, in any key (drums: in sixteenths)")
    for part in ("drums", "melody", "bass"):
        made, real = overlap.lengths(part, corpus.load(work / f"{part}.npz"), phrases)
        print(
            f"{part:8} generated: {overlap.spread(made)}\n{'':8} held-out real songs: {overlap.spread(real)}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pieces", type=int, default=200)
    parser.add_argument("--phrases", type=int, default=1000)
    given = parser.parse_args()
    print(f"seeds {SEED} and on")
    likelihoods(given.work)
    drums(given.work, given.pieces)
    melodies(given.work, given.pieces)
    chord_tones(given.work, given.pieces)
    memorised(given.work, given.phrases)


if __name__ == "__main__":
    main()
