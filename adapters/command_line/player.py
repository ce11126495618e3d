"""Play a MIDI file with FluidSynth, where it is installed and has a SoundFont."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from adapters.command_line import terminal

_STOP_S: Final = 3.0
# Where distributions, Homebrew and FluidSynth's own default put them; the first that is there is taken.
_FOLDERS: Final = (
    "~/.local/share/soundfonts",
    "~/.local/share/sounds/sf2",
    "~/.fluidsynth",
    "~/Library/Audio/Sounds/Banks",
    "/usr/share/soundfonts",
    "/usr/share/sounds/sf2",
    "/usr/share/sounds/sf3",
    "/usr/local/share/soundfonts",
    "/usr/local/share/fluidsynth",
    "/opt/homebrew/share/soundfonts",
)


class PlayError(terminal.OutputError):
    """Nothing to play with, or it did not play; the message says what to do."""


def ready(soundfont: Path | None) -> tuple[str, Path]:
    """Find FluidSynth and a SoundFont, before there is anything to play.

    Parameters
    ----------
    soundfont
        The one asked for; else $DAWG_SOUNDFONT, else the first that is found.

    Raises
    ------
    PlayError
        If either is missing.
    """
    program = shutil.which("fluidsynth")
    if program is None:
        raise PlayError(
            "--play: fluidsynth is not installed (Debian, Ubuntu: apt install fluidsynth; macOS: "
            "brew install fluid-synth); -o FILE writes the MIDI file for another player"
        )
    named = soundfont or (Path(os.environ["DAWG_SOUNDFONT"]) if os.environ.get("DAWG_SOUNDFONT") else None)
    if named is not None:
        named = named.expanduser()
        if not named.is_file():
            raise PlayError(f"--play: {named}: no such SoundFont")
        return program, named
    found = next(_soundfonts(), None)
    if found is None:
        raise PlayError(
            "--play: no SoundFont found; --soundfont FILE.sf2 or $DAWG_SOUNDFONT names one "
            "(Debian, Ubuntu: apt install fluid-soundfont-gm)"
        )
    return program, found


def _soundfonts() -> Iterator[Path]:
    for folder in _FOLDERS:
        there = Path(folder).expanduser()
        if there.is_dir():
            files = sorted(path for path in there.iterdir() if path.suffix.lower() in (".sf2", ".sf3"))
            yield from (path for path in files if path.is_file() and path.stem.startswith("default"))
            yield from (path for path in files if path.is_file())
    # pretty_midi brings a small one along. Found without importing it.
    found = importlib.util.find_spec("pretty_midi")
    for place in (found.submodule_search_locations or ()) if found else ():
        yield from sorted(Path(place).glob("*.sf2"))


def play(program: str, soundfont: Path, midi: Path) -> None:
    """Play a file to its end, or until Ctrl-C.

    Raises
    ------
    PlayError
        If FluidSynth fails, with the last it said.
    KeyboardInterrupt
        On Ctrl-C, when the sound has stopped.
    """
    with subprocess.Popen(  # noqa: S603 - found on PATH, files by absolute path
        [program, "-n", "-i", "-q", str(soundfont.absolute()), str(midi.absolute())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            _, said = process.communicate()
        except BaseException:
            _stop(process)
            raise
    if process.returncode != 0:
        lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
        # ALSA says much before FluidSynth says what it means.
        own = [line for line in lines if line.startswith("fluidsynth:")]
        reason = (own or lines or [f"ended with {process.returncode}"])[-1].removeprefix("fluidsynth: ")
        raise PlayError(f"--play: fluidsynth: {reason}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
