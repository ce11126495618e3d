"""`transcribe.audio` on recordings made here, from file to MIDI."""

import base64
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pretty_midi
import pytest

from engines import _notes, transcribe
from engines._errors import NotInstalledError, TooLongError, UndecodableError
from engines.transcribe import pitch_model
from engines.transcribe.result import TranscribedNote, Transcription
from tests import signals

MELODY = [(0.25 + 0.5 * i, pitch) for i, pitch in enumerate((60, 64, 67, 72, 65, 69, 60, 64, 67, 72, 65, 69))]


def score_of(result: Transcription) -> _notes.Score:
    return _notes.read(base64.b64decode(result.midi_base64))


def found(notes: list[TranscribedNote], truth: list[tuple[float, int]], within_s: float = 0.05) -> int:
    return sum(any(abs(n.start - t) <= within_s and n.pitch == p for n in notes) for t, p in truth)


@pytest.fixture(scope="module")
def melody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    events = [(t, signals.note(pitch, 0.45, amplitude=0.4)) for t, pitch in MELODY]
    return signals.write(tmp_path_factory.mktemp("melody") / "melody.wav", signals.mix_at(events, 6.5))


@pytest.fixture(scope="module")
def drums(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return signals.write(tmp_path_factory.mktemp("drums") / "drums.wav", signals.drum_loop(120, 4))


def test_a_melody_is_written_down(melody: Path) -> None:
    result = transcribe.audio(melody)
    assert result.kind == "pitched"
    assert found(result.notes, MELODY) == len(MELODY)
    assert len(result.notes) <= len(MELODY) + 2
    assert result.duration == pytest.approx(6.5)


def test_notes_of_the_file_fall_where_they_sound(melody: Path) -> None:
    result = transcribe.audio(melody, tempo=97)
    score = score_of(result)
    assert score.tempo == pytest.approx(97, rel=1e-4)
    (part,) = score.parts
    assert not part.drums
    assert [n.pitch for n in part.notes] == [n.pitch for n in result.notes]
    heard = [score.seconds(n.start) for n in part.notes]
    assert heard == pytest.approx([n.start for n in result.notes], abs=0.002)


def test_a_tempo_is_found_where_none_is_given(drums: Path, melody: Path) -> None:
    result = transcribe.audio(drums, kind="drums")
    assert result.tempo_source == "found"
    assert result.tempo == pytest.approx(120, rel=0.005)
    assert transcribe.audio(melody, tempo=60).tempo_source == "given"


def test_drums_are_told_from_pitches_and_stand_on_the_drum_channel(drums: Path) -> None:
    result = transcribe.audio(drums)
    assert result.kind == "drums"
    (part,) = score_of(result).parts
    assert part.drums
    kicks = [(float(t), 36) for t in np.arange(0, 8, 1.0)]
    snares = [(float(t), 38) for t in np.arange(0.5, 8, 1.0)]
    hats = [(float(t), 42) for t in np.arange(0, 8, 0.25)]
    for truth in (kicks, snares, hats):
        assert found(result.notes, truth) >= 0.85 * len(truth)


def test_drums_under_a_melody_are_both_written(tmp_path: Path) -> None:
    loop = signals.drum_loop(120, 4)
    chords = [(2.0 * i, signals.chord(c, 2.0)) for i, c in enumerate(("A:min", "F:maj", "C:maj", "G:maj"))]
    y = loop * 0.7 + signals.mix_at(chords, len(loop) / signals.SR)
    result = transcribe.audio(signals.write(tmp_path / "mix.wav", y * 0.7))
    assert result.kind == "mixed"
    assert [part.drums for part in score_of(result).parts] == [False, True]


def test_quantized_notes_stand_on_the_lines_of_the_file(melody: Path) -> None:
    result = transcribe.audio(melody, tempo=120, quantize="1/8")
    starts = [n.start for n in score_of(result).parts[0].notes]
    assert starts == pytest.approx([round(2 * q) / 2 for q in starts], abs=1e-6)
    assert np.diff(sorted({round(q, 6) for q in starts})) == pytest.approx(np.ones(len(MELODY) - 1))
    moved = [n.start - t for n, (t, _) in zip(result.notes, MELODY, strict=False)]
    assert np.ptp(moved) < 1e-6
    assert abs(moved[0]) <= 0.125 + 1e-6  # half a step


def test_quantized_notes_stay_with_a_recording_that_is_not_on_the_lines(tmp_path: Path) -> None:
    late = [(t + 0.2, signals.note(pitch, 0.4, amplitude=0.4)) for t, pitch in MELODY]
    path = signals.write(tmp_path / "late.wav", signals.mix_at(late, MELODY[-1][0] + 1))
    for tempo in (None, 120):
        result = transcribe.audio(path, kind="pitched", tempo=tempo, quantize="1/8")
        moved = [n.start - t for n, (t, _) in zip(result.notes, late, strict=True)]
        assert np.abs(moved).max() < 0.04


@pytest.mark.parametrize("drifting", [False, True])
def test_the_bars_of_the_file_are_those_of_the_music(tmp_path: Path, drifting: bool) -> None:
    beats = 0.7 + np.cumsum(np.linspace(0.5, 0.56 if drifting else 0.5, 48)) - 0.5
    bars = [(t, signals.kick() + np.pad(0.0, 0)) for t in beats[::3]]
    others = [(t, signals.hat()) for k, t in enumerate(beats) if k % 3]
    chords = [
        (beats[3 * i], signals.chord(c, 1.5)) for i, c in enumerate(("A:min", "F:maj", "C:maj", "G:maj") * 4)
    ]
    path = signals.write(
        tmp_path / "waltz.wav", 0.5 * signals.mix_at([*bars, *others, *chords], beats[-1] + 1)
    )
    result = transcribe.audio(path)
    assert result.time_signature == "3/4"
    score = score_of(result)
    *_, (first_bar, numerator, denominator) = score.signatures
    assert (numerator, denominator) == (3, 4)
    downbeats = [score.seconds(first_bar + 3 * bar) for bar in range(15)]
    distance = np.abs(np.array(downbeats)[:, None] - beats[::3])
    assert distance.min(axis=1).max() < 0.03


def test_bends_are_told_on_request_only(tmp_path: Path) -> None:
    t = np.arange(2 * signals.SR) / signals.SR
    cents = 40 * np.sin(2 * np.pi * 2 * t)
    phase = 2 * np.pi * np.cumsum(440 * 2 ** (cents / 1200)) / signals.SR
    y = sum(np.sin(h * phase) / h**1.5 for h in range(1, 6)) * 0.2 * np.minimum(1, t / 0.005)
    path = signals.write(tmp_path / "vibrato.wav", np.asarray(y, np.float32))
    assert all(n.bend is None for n in transcribe.audio(path, kind="pitched").notes)
    notes = [n for n in transcribe.audio(path, kind="pitched", bends=True).notes if n.pitch == 69]
    bent = notes[0].bend
    assert bent is not None
    assert max(bent) == pytest.approx(0.4, abs=0.12)
    assert min(bent) == pytest.approx(-0.4, abs=0.12)


def test_bends_are_in_the_file_too_a_channel_for_each_note_at_a_time() -> None:
    from engines.transcribe.answers import to_midi
    from engines.transcribe.timeline import steady

    def note(start: float, pitch: int, bend: list[float]) -> TranscribedNote:
        return TranscribedNote(start, start + 1.0, pitch, 80, False, bend)

    notes = (note(0.0, 60, [0.0, 0.5]), note(0.5, 64, [-0.25, -0.25]), note(1.0, 67, [12.0, -12.0]))
    file = pretty_midi.PrettyMIDI(io.BytesIO(to_midi(notes, steady(120.0), 2.5)))
    first, second = file.instruments
    assert [n.pitch for n in first.notes] == [60, 67]
    assert [n.pitch for n in second.notes] == [64]
    # 8192 is 12 semitones.
    wheel = [(round(b.time, 2), b.pitch) for b in first.pitch_bends]
    assert wheel == [(0.0, 0), (0.5, 341), (1.0, 8191), (1.5, -8192)]
    assert [(round(b.time, 2), b.pitch) for b in second.pitch_bends] == [(0.5, -171)]
    ranges = [(c.number, c.value) for c in first.control_changes]
    assert ranges == [(101, 0), (100, 0), (6, 12), (38, 0), (101, 127), (100, 127)]
    assert len(_notes.read(to_midi(notes, steady(120.0), 2.5)).parts) == 2


@pytest.mark.parametrize("kind", ["auto", "pitched", "drums"])
@pytest.mark.parametrize("seconds", [1 / 44100, 0.05, 3.0])
def test_silence_is_an_empty_file(tmp_path: Path, kind: str, seconds: float) -> None:
    path = signals.write(tmp_path / "silence.wav", signals.silence(seconds))
    result = transcribe.audio(path, kind=kind)  # type: ignore[arg-type]
    assert result.notes == []
    assert (result.tempo, result.tempo_source) == (120.0, "none")
    assert score_of(result).parts == ()


def test_noise_is_answered(tmp_path: Path) -> None:
    result = transcribe.audio(signals.write(tmp_path / "noise.wav", signals.noise(3)))
    assert len(result.notes) < 30


def test_the_same_file_gives_the_same_answer(drums: Path) -> None:
    assert transcribe.audio(drums) == transcribe.audio(drums)


def test_channels_that_cancel_each_other_are_heard(tmp_path: Path) -> None:
    events = [(t, signals.note(pitch, 0.45, amplitude=0.4)) for t, pitch in MELODY]
    y = signals.mix_at(events, 6.5)
    result = transcribe.audio(signals.write(tmp_path / "out.wav", signals.stereo(y, -y)), kind="pitched")
    assert found(result.notes, MELODY) == len(MELODY)


@pytest.mark.slow
def test_segments_are_joined_without_a_seam(tmp_path: Path) -> None:
    events = [(0.3 + 0.7 * i, signals.note(50 + 7 * i % 24, 0.6, amplitude=0.4)) for i in range(280)]
    truth = [(0.3 + 0.7 * i, 50 + 7 * i % 24) for i in range(280)]
    path = signals.write(tmp_path / "long.wav", signals.mix_at(events, 200.0))
    result = transcribe.audio(path, kind="pitched", tempo=120)
    missed = [t for t, p in truth if not found(result.notes, [(t, p)])]
    assert len(missed) <= 6
    assert len(result.notes) <= 300
    assert not [t for t in missed if abs(t - 95) < 3]


def test_progress_rises_and_may_cancel(drums: Path) -> None:
    told: list[tuple[float, str]] = []
    transcribe.audio(drums, progress=lambda fraction, stage: told.append((fraction, stage)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {stage for _, stage in told} >= {"notes", "drums", "done"}

    class Cancelled(Exception):
        pass

    def cancel(fraction: float, stage: str) -> None:
        if stage == "notes":
            raise Cancelled

    with pytest.raises(Cancelled):
        transcribe.audio(drums, progress=cancel)


@pytest.mark.parametrize("tempo", [0.0, 19.0, 401.0, float("nan")])
def test_a_tempo_out_of_range_is_refused_with_the_range(melody: Path, tempo: float) -> None:
    with pytest.raises(ValueError, match="must be between 20 and 400 BPM"):
        transcribe.audio(melody, tempo=tempo)


def test_unknown_words_are_refused_with_the_known_ones(melody: Path) -> None:
    with pytest.raises(ValueError, match="'auto', 'pitched' or 'drums'"):
        transcribe.audio(melody, kind="vocals")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="1/16T"):
        transcribe.audio(melody, quantize="1/5")  # type: ignore[arg-type]


def test_what_is_no_audio_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.wav"
    path.write_text("not audio")
    with pytest.raises(UndecodableError):
        transcribe.audio(path)


def test_a_file_too_long_for_its_tempo_is_refused() -> None:
    from engines.transcribe.answers import to_midi
    from engines.transcribe.timeline import steady

    with pytest.raises(TooLongError, match="100000"):
        to_midi((), steady(400.0), 12 * 3600.0)


def test_a_missing_model_is_told_before_the_file_is_read(
    melody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise NotInstalledError("model: not here; install it")

    monkeypatch.setattr(pitch_model, "session", missing)
    with pytest.raises(NotInstalledError, match="install"):
        transcribe.audio(melody)
    assert transcribe.audio(melody, kind="drums", tempo=120).kind == "drums"  # which needs no such model


def test_importing_the_engine_loads_nothing_heavy() -> None:
    heavy = ("numpy", "scipy", "onnxruntime", "soundfile")
    code = f"import sys, engines.transcribe; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_worker_loads_neither_tensorflow_nor_librosa() -> None:
    code = (
        "import sys; from engines import transcribe; transcribe.warm_up(); "
        "print([m for m in ('tensorflow', 'basic_pitch', 'librosa', 'numba') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_that_is_cut_short_is_written_as_far_as_it_goes_and_said_to_be(
    melody: Path, tmp_path: Path
) -> None:
    assert not transcribe.audio(melody, tempo=120).truncated
    cut = tmp_path / "cut.wav"
    cut.write_bytes(melody.read_bytes()[: melody.stat().st_size // 2])
    result = transcribe.audio(cut, tempo=120)
    assert result.truncated
    assert result.duration == pytest.approx(3.25, abs=0.1)


def test_progress_does_not_fall_where_channels_cancel_out_and_it_hears_again(tmp_path: Path) -> None:
    y = signals.mix_at([(t, signals.note(pitch, 0.4)) for t, pitch in MELODY], 8)
    seen: list[float] = []
    path = signals.write(tmp_path / "a.wav", signals.stereo(y, -y))
    result = transcribe.audio(path, tempo=120, progress=lambda fraction, _: seen.append(fraction))
    assert len(result.notes) >= len(MELODY)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
