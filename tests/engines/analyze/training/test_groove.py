"""How drummers' performances become pieces."""

from pathlib import Path

import numpy as np
import pretty_midi

from engines.analyze.training.groove import groove_pieces

HEADER = "duration,bpm,time_signature,midi_filename"


def test_a_performance_keeps_its_strokes_and_may_get_a_band(tmp_path: Path) -> None:
    score = pretty_midi.PrettyMIDI()
    score.instruments.append(pretty_midi.Instrument(0, is_drum=True))
    score.instruments[0].notes = [pretty_midi.Note(90, 36, t, t + 0.1) for t in np.arange(0, 12, 0.5)]
    score.write(str(tmp_path / "one.mid"))
    rows = ["12,120,3-4,one.mid", "12,120,6-8,one.mid", "4,120,4-4,one.mid", "12,120,4-4,missing.mid"]
    (tmp_path / "info.csv").write_text("\n".join([HEADER, *rows]))
    alone, with_band = 0, 0
    for seed in range(12):
        (piece,) = groove_pieces(tmp_path, 9, np.random.default_rng(seed))
        drums, *others = piece.midi.instruments
        assert (piece.name, piece.meter, len(drums.notes)) == ("one", 3, 24)
        assert np.allclose(np.diff(piece.beats), 0.5)
        assert np.allclose(np.diff(piece.downbeats), 1.5)
        assert bool(others) == bool(piece.chords)
        alone, with_band = alone + (not others), with_band + bool(others)
    assert alone > 0 < with_band
