"""One-shots of the presets of DrumSynth that LMMS ships, played by LMMS itself.

    python -m engines.transcribe.training.drum_synth --presets /usr/share/lmms/samples/drumsynth --out DIR

Writes a WAV for each drum among them, numbered and named as it is, for `train_drums --shots DIR`: some
three hundred drums of a hundred makers' hands, from the TR-808 to noise. Needs `lmms` (Debian's package).
"""

import argparse
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from engines._audio import load, save
from engines.transcribe.training.kits import key_of, trimmed
from engines.transcribe.training.scores import SR

APART_S = 2.0  # a bar of four quarters at 120 BPM, which LMMS counts 192 ticks
_TICKS = 192
NO_DRUMS = ("effects", "instrument", "misc_fx", "misc_synth")  # folders whose names of drums mean no drum


def drums(presets: Path) -> list[Path]:
    """List the presets whose names say that they are drums."""
    files = sorted(presets.rglob("*.ds"))
    return [file for file in files if file.parent.name not in NO_DRUMS and key_of(file.stem) is not None]


def project(files: Sequence[Path]) -> str:
    """Write a project of LMMS that plays one file after the other, `APART_S` apart."""
    clips = (
        f'<sampletco src={quoteattr(str(file))} pos="{_TICKS * i}" len="{_TICKS}" muted="0"/>'
        for i, file in enumerate(files)
    )
    return (
        '<?xml version="1.0"?><!DOCTYPE lmms-project>'
        '<lmms-project version="1.0" creator="LMMS" creatorversion="1.2.2" type="song">'
        '<head timesig_numerator="4" timesig_denominator="4" bpm="120" mastervol="100" masterpitch="0"/>'
        '<song><trackcontainer type="song"><track type="2" name="drums" muted="0" solo="0">'
        f'<sampletrack vol="100" pan="0"/>{"".join(clips)}</track></trackcontainer></song></lmms-project>'
    )


def render(presets: Path, out: Path) -> int:
    """Play every drum and write it to a folder; return how many sounded.

    Raises
    ------
    FileNotFoundError
        If LMMS is not installed.
    subprocess.CalledProcessError
        If it fails.
    """
    files = drums(presets)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "drums.mmp").write_text(project(files), "utf-8")
        command = ["lmms", "--allowroot", "render", "drums.mmp", "-o", "drums.wav", "-s", str(SR), "-a"]
        # LMMS keeps its settings in HOME, and asks for a screen that it does not need.
        env = os.environ | {"HOME": name, "QT_QPA_PLATFORM": "offscreen"}
        done = subprocess.run(  # noqa: S603
            command, check=False, capture_output=True, timeout=600, cwd=folder, env=env
        )
        written = folder / "drums.wav"
        y = load(written)[0].mean(axis=0) if written.exists() else np.zeros(0)
    count, step = 0, round(APART_S * SR)
    if len(y) < len(files) * step:  # that it falls over when all is written, as it does, is no matter
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    for i, file in enumerate(files):
        shot = y[i * step : (i + 1) * step]
        if len(shot) and np.abs(shot).max() > 1e-3:
            save(out / f"{i:03} {file.stem}.wav", trimmed(shot)[None], SR)
            count += 1
    return count


def main() -> None:
    """Render the presets."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--presets", type=Path, default=Path("/usr/share/lmms/samples/drumsynth"))
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    print(f"{render(arguments.presets, arguments.out)} drums in {arguments.out}")


if __name__ == "__main__":
    main()
