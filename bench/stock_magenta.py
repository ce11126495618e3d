"""Let stock Magenta's own programs read the shipped bundles, as they would any bundle of Magenta's.

    python -m bench.stock_magenta

Runs `drums_rnn_generate --bundle_file drums.mag` and `improv_rnn_generate --bundle_file` with melody.mag and
bass.mag, each in a process of its own, and prints what the MIDI files they write hold. Fails where one does
not end well or writes no notes.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engines._notes import read
from engines.generate.inventory import SHIPPED

_COMMANDS = {
    "drums": ("drums_rnn.drums_rnn_generate", ("--num_steps=64", "--primer_drums=[(36, 42), (), (42,)]")),
    "melody": ("improv_rnn.improv_rnn_generate", ("--backing_chords=C G Am F", "--primer_melody=[60]")),
    "bass": ("improv_rnn.improv_rnn_generate", ("--backing_chords=C G Am F", "--primer_melody=[60]")),
}


def main() -> int:
    failed = False
    for name, (program, options) in _COMMANDS.items():
        with tempfile.TemporaryDirectory() as folder:
            begun = time.monotonic()
            ran = subprocess.run(
                [
                    sys.executable,
                    "-W",
                    "ignore",
                    "-m",
                    f"magenta.models.{program}",
                    f"--bundle_file={SHIPPED / name}.mag",
                    f"--output_dir={folder}",
                    "--num_outputs=2",
                    *options,
                ],
                env={**os.environ, "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
                capture_output=True,
                text=True,
                check=False,
            )
            files = sorted(Path(folder).glob("*.mid"))
            notes = [sum(len(part.notes) for part in read(file).parts) for file in files]
            fine = ran.returncode == 0 and len(files) == 2 and all(notes)
            failed |= not fine
            took_s = time.monotonic() - begun
            said = "fine" if fine else "FAILED"
            print(f"{program.partition('.')[2]} {name}.mag: {said}, files of {notes} notes, {took_s:.0f} s")
            if not fine:
                print(ran.stderr[-2000:])
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
