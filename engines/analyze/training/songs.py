"""Render whole songs whose sections and keys are known, into what the engine hears of them.

    python -m engines.analyze.training.songs --pop909 DIR --out DIR [--songs 44] [--charts 36] [--seed 0]

Half of them are made of POP909's parts (pop_songs.py), half of chord charts that MMA plays (chart_songs.py),
in the forms songs have. A third of all songs change key on the way: from a section on, or in one section.
Needs `fluidsynth`, `mma` and General MIDI soundfonts; every choice but those that MMA makes comes from
`--seed`. Each song becomes one `rendered.RenderedSong`.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from engines.analyze.listening import RHYTHM, TONAL, listen
from engines.analyze.training.chart_songs import chart_songs
from engines.analyze.training.forms import Song
from engines.analyze.training.pop_songs import pop_songs
from engines.analyze.training.render import FLUID, TIM, synthesize
from engines.analyze.training.rendered import RenderedSong


def hear(song: Song, rng: np.random.Generator, keep: Path | None) -> RenderedSong:
    """Render a song and listen to it as the engine does; `keep` is a folder for its sound, if any."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "sound.wav"
        synthesize(song.midi, sound, (FLUID, TIM), rng)
        heard = listen(sound, {RHYTHM, TONAL})
        if keep is not None:
            y, sr = soundfile.read(sound, dtype="float32")
            soundfile.write(keep / f"{song.name}.flac", y, sr)
    return RenderedSong(
        name=song.name,
        bands=heard.bands,
        pitches=heard.pitches,
        duration=heard.duration,
        beats=song.beats,
        downbeats=song.downbeats,
        sections=song.sections,
        keys=song.keys,
    )


def main() -> None:
    """Render what the command line asks for."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--pop909", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=44)
    parser.add_argument("--charts", type=int, default=36)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder to keep the audio in, as FLAC")
    arguments = parser.parse_args()
    for folder in (arguments.out, arguments.keep):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(arguments.seed)
    pop, charts = pop_songs(arguments.pop909, arguments.songs, rng), chart_songs(arguments.charts, rng)
    while songs := [song for song in (next(pop, None), next(charts, None)) if song is not None]:
        for song in songs:
            hear(song, rng, arguments.keep).save(arguments.out)
            form = "".join(label for *_, label in song.sections)
            print(song.name, f"{song.beats[-1]:.0f} s", form, [key for *_, key in song.keys], flush=True)


if __name__ == "__main__":
    main()
