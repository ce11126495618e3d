"""Render music of many kinds with its beats and bars known, into what the engine hears of it.

    python -m engines.analyze.training.beat_pieces --pop909 DIR --groove DIR --openewld DIR --out DIR
        [--count 1600] [--seed 2] [--only KIND] [--for-rankers] [--soundfont FILE ...]
        [--chopped]

Arranged POP909 songs (pop909.py), drummers' performances (groove.py), lead sheets (lead_sheets.py), chord
charts that MMA plays, chorales and quartets (part_music.py), dances in several meters and plain beats
(dances.py), music over authored drum styles (electronic.py), and loops of those, cut to the sample. Songs and
performances whose names' checksum says so are kept for the rankers (`rendered.for_rankers`). Needs
`fluidsynth`, `mma` and General MIDI soundfonts; every choice but those that MMA makes comes from `--seed`.
Each item becomes one `rendered.RenderedPiece`.
"""

import argparse
import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pretty_midi

from engines.analyze.training.chart_songs import LIBRARY, chart_song
from engines.analyze.training.dances import beat_music, dance_music
from engines.analyze.training.electronic import electronic_music
from engines.analyze.training.forms import Song
from engines.analyze.training.groove import groove_pieces
from engines.analyze.training.harmonies import harmony_music
from engines.analyze.training.lead_sheets import beats_per_bar, lead_sheet_music, tunes
from engines.analyze.training.part_music import part_music
from engines.analyze.training.performing import DRUMS, Music, Rng, excerpt, perform
from engines.analyze.training.piece_sound import DRAWN_FONTS, Studio, hear
from engines.analyze.training.pop909 import pop_pieces
from engines.analyze.training.render import Piece
from engines.analyze.training.rendered import for_rankers

LOOP_BARS = (1, 1, 2, 2, 2, 4, 4, 8)
LONGEST_LOOP_S = 15.0
CHART_TEMPI = (64, 200)


def charts(rng: Rng) -> Iterator[tuple[Piece, float | None]]:
    """Have MMA play charts in all its styles that are in bars of four or three."""
    paths = sorted(LIBRARY.glob("*.mma"))
    number = 0
    while True:
        path = paths[int(rng.integers(len(paths)))]
        text = path.read_text(errors="replace")
        times = set(re.findall(r"^\s*Time\s+(\d+)", text, re.MULTILINE))
        grooves = re.findall(r"^DefGroove\s+(\S+)", text, re.MULTILINE)
        if times - {"3", "4"} or len(times) > 1 or not grooves:
            continue
        meter = int(next(iter(times), "4"))
        song = chart_song(f"{number:03}_{path.stem}", grooves, rng, meter, CHART_TEMPI)
        if song is None:
            continue
        number += 1
        music = _in_beats(song, meter)
        if len(song.keys) == 1:
            music.key = song.keys[0][2]
        n_bars = max(4, int(44 * music.tempo / 60 / meter))
        first = int(rng.integers(max(1, music.n_beats // meter - n_bars))) * meter
        yield _performed(excerpt(music, first, min(n_bars * meter, music.n_beats - first)), rng)


def _in_beats(song: Song, meter: int) -> Music:
    """Write a steady score down in beats."""
    period = float(song.beats[1] - song.beats[0])
    music = Music(song.name, "chart", (len(song.beats) - 1) // meter * meter, meter, 60 / period)
    music.chords = [
        (start / period, end / period, root, quality) for start, end, root, quality in song.chords
    ]
    for part in song.midi.instruments:
        for note in part.notes:
            program = DRUMS if part.is_drum else part.program
            music.add(
                program, note.pitch, note.velocity, note.start / period, (note.end - note.start) / period
            )
    return music


def _performed(music: Music, rng: Rng) -> tuple[Piece, float | None]:
    lead_in = int(rng.integers(music.beats_per_bar)) if rng.random() < 0.35 else 0
    return perform(music, rng, lead_in=lead_in), None


def sheets(folder: Path, rng: Rng, group: str = "sheet") -> Iterator[tuple[Piece, float | None]]:
    """Arrange lead sheets without end; of the group `duple` those in bars of two beats, 2/4 and 6/8."""
    found = [tune for tune in tunes(folder) if group == "sheet" or beats_per_bar(tune) == 2]
    for music in lead_sheet_music(found, 1 << 30, rng):
        music.group = group
        yield _performed(music, rng)


def written(write: Callable[[str, Rng], Music], rng: Rng) -> Iterator[tuple[Piece, float | None]]:
    """Write and perform music of a kind without end."""
    for number in count(1):
        yield _performed(write(f"{number:03}", rng), rng)


def loops(rng: Rng) -> Iterator[tuple[Piece, float | None]]:
    """Cut loops of one to eight bars, exactly; half of them ring over into their start."""
    for number in count(1):
        bars = int(rng.choice(LOOP_BARS))
        music = electronic_music(f"{number:03}", rng, bars)
        length = 60 / music.tempo * music.n_beats
        if length <= LONGEST_LOOP_S:
            music.group = "loop"
            yield perform(music, rng, exact=True), length


def beatless(rng: Rng) -> Iterator[tuple[Piece, float | None]]:
    """Write notes at times that nothing orders."""
    for number in count(1):
        piece = Piece(f"{number:03}", "beatless", np.zeros(0), np.zeros(0), 0)
        part = pretty_midi.Instrument(int(rng.integers(96)), is_drum=bool(rng.random() < 0.3))
        times = np.cumsum(rng.exponential(rng.uniform(0.15, 1.5), 300))
        for start in times[times < 40]:
            pitch = int(rng.integers(35, 82))
            part.notes.append(
                pretty_midi.Note(int(rng.uniform(40, 110)), pitch, start, start + rng.uniform(0.1, 3))
            )
        piece.midi.instruments.append(part)
        yield piece, None


def main() -> None:
    """Render what the command line asks for."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--pop909", type=Path, required=True)
    parser.add_argument("--groove", type=Path, required=True)
    parser.add_argument("--openewld", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1600)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--only", default="", metavar="KIND", help="pop909, groove, sheet, chart, ... alone")
    parser.add_argument("--for-rankers", action="store_true", help="only songs that are kept for them")
    parser.add_argument(
        "--soundfont", type=Path, action="append", help="one to draw from; may be repeated (four of Debian's)"
    )
    parser.add_argument("--chopped", action="store_true", help="cut most sounds off before the next begins")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    seed = arguments.seed
    rngs = [np.random.default_rng((seed, i)) for i in range(14)]
    pop, drummers = pop_pieces(arguments.pop909, 900, rngs[0]), groove_pieces(arguments.groove, 1100, rngs[1])
    fonts = arguments.soundfont or DRAWN_FONTS
    studio = Studio(fonts, rngs[7], chopper=rngs[13] if arguments.chopped else None)
    sources: dict[str, tuple[float, Iterator[tuple[Piece, float | None]]]] = {
        "pop909": (0.2, ((piece, None) for piece in pop)),
        "groove": (0.17, ((piece, None) for piece in drummers)),
        "sheet": (0.28, sheets(arguments.openewld, rngs[2])),
        "chart": (0.15, charts(rngs[3])),
        "electronic": (0.12, written(electronic_music, rngs[4])),
        "loop": (0.06, loops(rngs[5])),
        "beatless": (0.02, beatless(rngs[6])),
        "parts": (0.12, written(part_music, rngs[9])),
        "duple": (0.05, sheets(arguments.openewld, rngs[8], "duple")),
        "dance": (0.15, written(dance_music, rngs[10])),
        "beat": (0.05, written(beat_music, rngs[11])),
        "harmony": (0.0, written(harmony_music, rngs[12])),  # when asked for: `train_chords` needs it
    }
    if arguments.only:
        if arguments.only not in sources:
            parser.error(f"--only: {arguments.only!r}; must be one of {', '.join(sources)}")
        sources = {arguments.only: (1.0, sources[arguments.only][1])}
    chosen_sources = list(sources.values())
    shares = np.array([share for share, _ in chosen_sources])
    owed = np.zeros(len(shares))
    done = 0
    while done < arguments.count and shares.any():
        owed += shares
        chosen = int(np.argmax(owed))
        owed[chosen] -= shares.sum()
        found = next(chosen_sources[chosen][1], None)
        if found is None:
            shares[chosen] = 0
            continue
        piece, length = found
        name = f"{piece.group}_{piece.name}@{seed}"  # so that one folder holds those of several seeds
        if arguments.for_rankers and not for_rankers(name):
            continue
        if (len(piece.beats) > 8 or length or not piece.meter) and any(
            i.notes for i in piece.midi.instruments
        ):
            hear(piece, length, name, studio).save(arguments.out)
            done += 1
            print(done, piece.group, piece.name, flush=True)


if __name__ == "__main__":
    main()
