"""A recording in some hundred numbers: what a library lists of it, and what it is compared by."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engines import _units
from engines.analyze.key_finding import find_key
from engines.analyze.keys import MODES, PITCH_CLASSES
from engines.analyze.library_results import Recording
from engines.analyze.listening import LOUDNESS, RHYTHM, TONAL, listen
from engines.analyze.loops import loop_beats
from engines.analyze.rhythm import find_rhythm
from engines.analyze.rhythm_cues import cues
from engines.analyze.sound_texture import texture


@dataclass(frozen=True)
class Portrait:
    """One recording: its line in the library, and its texture (`sound_texture`)."""

    recording: Recording
    texture: list[float]

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, without its path."""
        line = asdict(self.recording)
        del line["path"]
        return {"recording": line, "texture": self.texture}

    @staticmethod
    def of_plain(path: Path, values: Any) -> "Portrait | None":
        """Read what `plain` wrote, for the file it is of; None if it is something else."""
        try:
            return Portrait(Recording(path=str(path), **values["recording"]), list(values["texture"]))
        except (TypeError, KeyError):
            return None


def portray(path: Path, progress: _units.Progress) -> Portrait:
    """Listen to a recording; reports progress from 0 to 1 and raises as `listening.listen` does."""
    heard = listen(path, {RHYTHM, TONAL, LOUDNESS}, progress)
    rhythm = find_rhythm(cues(heard.bands, heard.duration), heard.pitches, heard.duration)
    key = find_key(heard.pitches)
    recording = Recording(
        path=str(path),
        duration=heard.duration,
        tempo=rhythm.tempo,
        tempo_confidence=rhythm.confidence,
        loop_beats=loop_beats(rhythm, heard.duration),
        meter=rhythm.bars.name,
        key=PITCH_CLASSES[key.best % 12] if key else None,
        mode=MODES[key.best // 12] if key else None,
        key_confidence=key.confidence if key else 0.0,
        tuning_cents=100 * heard.pitches.tuning if key else None,
        integrated_lufs=heard.loudness.integrated_lufs,
        true_peak_dbtp=heard.loudness.true_peak_dbtp,
        sample_rate=float(heard.sr),
        channels=heard.n_channels,
        truncated=heard.truncated,
        faulty_samples=heard.faulty_samples,
    )
    return Portrait(recording, texture(heard.bands))
