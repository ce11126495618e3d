"""Inputs and labels are those of note_seq's own encoders, window by window."""

import importlib.util

import numpy as np
import pytest

from engines.generate.theory import parse_chord
from engines.generate.training import corpus, encoding

needs_note_seq = pytest.mark.skipif(
    importlib.util.find_spec("note_seq") is None, reason="note_seq is not installed"
)
NAMES = ("C", "Am7", "F/A", "G7", "Bdim", "Caug", "N.C.")


def test_a_bass_and_its_fold_stay_in_the_range_of_the_model() -> None:
    events = np.array([28, -2, 40, -1, 55, 20], np.int16)
    classes = encoding.melody_classes(events, corpus.BASS_SHIFT)
    assert classes.min() >= 0
    assert classes.max() < 38
    assert [int(c) for c in classes[[1, 3]]] == [0, 1]


def test_bar_lines_fall_where_the_counters_expect_them() -> None:
    assert encoding.bar_positions(np.arange(16), 16).tolist() == list(range(16))
    assert encoding.bar_positions(np.arange(25), 12)[[0, 12, 24]].tolist() == [0, 16, 32]


def test_what_is_saved_is_loaded(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "s.npz"
    chord = corpus.pack(parse_chord("Am7"))
    made = [
        corpus.Sequence("a", "train", 16, np.array([60, -2, -1], np.int16), np.full(3, chord, np.int64)),
        corpus.Sequence("b", "test", 12, np.array([5, 0], np.int16), np.zeros(0, np.int64)),
    ]
    corpus.save(made, path)
    (only,) = corpus.load(path, "test")
    assert (only.song, only.steps_per_bar, only.events.tolist(), len(only.chords)) == ("b", 12, [5, 0], 0)


def test_splits_are_by_song() -> None:
    assert {corpus.split_of(n) for n in range(20)} == {"train", "dev", "test"}


@needs_note_seq
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(300)
class TestAgainstNoteSeq:
    def test_drums(self) -> None:
        import note_seq

        coder = note_seq.LookbackEventSequenceEncoderDecoder(
            note_seq.MultiDrumOneHotEncoding(), lookback_distances=[], binary_counter_bits=6
        )
        events = np.random.default_rng(0).integers(0, 512, 80)
        theirs = [note_seq.MultiDrumOneHotEncoding().decode_event(int(e)) for e in events]
        inputs, labels = coder.encode(theirs)
        sequence = corpus.Sequence("a", "train", 16, events.astype(np.int16), np.zeros(0, np.int64))
        ours = encoding.encode("drums", sequence, 0, 80)
        assert np.array_equal(ours.inputs, np.array(inputs, np.float32))
        assert ours.labels.tolist() == labels

    def test_melody_over_chords(self) -> None:
        import note_seq

        coder = note_seq.ConditionalEventSequenceEncoderDecoder(
            note_seq.PitchChordsEncoderDecoder(),
            note_seq.OneHotEventSequenceEncoderDecoder(note_seq.MelodyOneHotEncoding(48, 84)),
        )
        rng = np.random.default_rng(0)
        events = np.where(rng.random(64) < 0.5, rng.integers(48, 84, 64), -2)
        names = [NAMES[t // 8 % len(NAMES)] for t in range(64)]
        inputs, labels = coder.encode(note_seq.ChordProgression(names), note_seq.Melody(events.tolist()))
        packed = np.array([corpus.pack(parse_chord(name)) for name in names])
        sequence = corpus.Sequence("a", "train", 16, events.astype(np.int16), packed)
        ours = encoding.encode("melody", sequence, 0, 64)
        assert np.array_equal(ours.inputs, np.array(inputs, np.float32))
        assert ours.labels.tolist() == labels

    def test_harmony(self) -> None:
        import note_seq

        coder = note_seq.LookbackEventSequenceEncoderDecoder(
            note_seq.TriadChordOneHotEncoding(), lookback_distances=[], binary_counter_bits=4
        )
        names = [NAMES[i % len(NAMES)] for i in range(24)]
        inputs, labels = coder.encode(names)
        packed = np.repeat([corpus.pack(parse_chord(name)) for name in names], 8)
        sequence = corpus.Sequence("a", "train", 16, np.full(len(packed), -2, np.int16), packed)
        ours = encoding.encode("harmony", sequence, 0, 24)
        assert np.array_equal(ours.inputs, np.array(inputs, np.float32))
        assert ours.labels.tolist() == labels
