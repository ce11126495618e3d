"""Measure how good the generated music is, beside real music that was not trained on.

    python -m bench.generate_quality --work WORK [--pieces 200] [--phrases 1000] [--plots FOLDER]

WORK is the folder of `python -m engines.generate.training`, with the event sequences of the training sets;
nothing of it is needed to run the program. Prints held-out NLL, figures of drums, melodies and basses after
muspy's definitions (music_figures.py), chord-tone rates, and the longest run of notes (pitch intervals with
rhythm) that a phrase shares with any training song.
"""

import argparse
from pathlib import Path

import numpy as np

from bench.music_figures import Figures, of_drums, of_line, table
from engines import generate
from engines.generate import drumming, store
from engines.generate.training import corpus, measure, overlap
from engines.generate.training.overlap import PROGRESSIONS, SEED, notes_of

BARS = 8


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
        print(f"unigram {fit.unigram:.3f}, {fit.steps} steps; ", end="")
        trained = corpus.load(data, "train")
        some = np.random.default_rng(0).choice(len(trained), min(200, len(trained)), replace=False)
        fit = measure.held_out(network, part, [trained[i] for i in some.tolist()])
        print(f"of what it learned from NLL {fit.nll:.4f}, unigram {fit.unigram:.3f}")


def drums(work: Path, pieces: int) -> dict[str, list[Figures]]:
    real = []
    for song in corpus.load(work / "drums.npz", "test"):
        if song.steps_per_bar == 16 and ":beat" in song.song:
            events = song.events.astype(np.int64)
            real += [of_drums(events[i : i + 64]) for i in range(0, len(events) - 63, 64)]
    made = []
    for seed in range(pieces):
        notes = generate.drums(bars=4, seed=SEED + seed).tracks[0].notes
        made.append(of_drums(drumming.events(notes, 64)))
    return {"Groove, held out": real, "generated": made}


def lines(part: str, work: Path, pieces: int) -> dict[str, list[Figures]]:
    """Figures of melodies or basses: held-out songs in phrases of eight bars, and generated ones."""
    real = []
    for song in corpus.load(work / f"{part}.npz", "test"):
        if song.steps_per_bar == 16:
            whole = [
                song.events[i : i + BARS * 16] for i in range(0, len(song.events) - BARS * 16 + 1, BARS * 16)
            ]
            real += [of_line(notes_of(events), BARS) for events in whole]
    write = generate.melody if part == "melody" else generate.bassline
    made: dict[str, list[Figures]] = {"in a scale": [], "free": []}
    for seed in range(pieces):
        for label, scale in (("in a scale", None), ("free", "chromatic")):
            chords = PROGRESSIONS[seed % len(PROGRESSIONS)]
            piece = write(scale=scale, chords=chords, bars=BARS, seed=SEED + seed)
            made[label].append(of_line(piece.tracks[0].notes, BARS))
    return {"held out": real, **made}


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


def memorised(work: Path, phrases: int) -> dict[str, tuple[list[int], list[int]]]:
    print("\nlongest run of eight bars shared with a training song, in any key (drums: in sixteenths)")
    found = {}
    for part in ("drums", "melody", "bass"):
        made, real = overlap.lengths(part, corpus.load(work / f"{part}.npz"), phrases)
        print(
            f"{part:8} generated: {overlap.spread(made)}\n{'':8} held-out real songs: {overlap.spread(real)}"
        )
        found[part] = (made, real)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pieces", type=int, default=200)
    parser.add_argument("--phrases", type=int, default=1000)
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw the distributions here")
    given = parser.parse_args()
    print(f"seeds {SEED} and on")
    likelihoods(given.work)
    titles = {
        "drums": "drums, four bars, temperature 1",
        "melody": "melodies, eight bars, temperature 1",
        "bass": "basses, eight bars, temperature 1",
    }
    figures = {
        part: drums(given.work, given.pieces) if part == "drums" else lines(part, given.work, given.pieces)
        for part in titles
    }
    for part, rows in figures.items():
        table(titles[part], rows)
    chord_tones(given.work, given.pieces)
    shared = memorised(given.work, given.phrases)
    if given.plots:
        from bench import quality_plots  # noqa: PLC0415  matplotlib

        given.plots.mkdir(parents=True, exist_ok=True)
        for part, rows in figures.items():
            quality_plots.distributions(titles[part], rows, given.plots / f"{part}.png")
        quality_plots.shared_runs(shared, given.plots / "shared.png")


if __name__ == "__main__":
    main()
