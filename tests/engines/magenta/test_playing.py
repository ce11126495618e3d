"""Stock Magenta behind our own door: it plays, it is stopped, and a foreign graph is looked at first."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from engines import magenta, models
from engines._errors import NotInstalledError, TooLongError
from engines._notes import Note, Part, Score, write
from tests import bundles

needs_magenta = pytest.mark.skipif(
    importlib.util.find_spec("magenta") is None or importlib.util.find_spec("tensorflow") is None,
    reason="magenta and TensorFlow are not installed",
)
slow = [needs_magenta, pytest.mark.slow, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAWG_MODELS", str(tmp_path / "models"))


def test_a_graph_that_could_run_python_is_never_shown_to_tensorflow(tmp_path: Path) -> None:
    path = tmp_path / "evil.mag"
    path.write_bytes(
        bundles.bundle("basic_rnn", bundles.lstm_stack(38, (8,), 38), inside_functions=("PyFunc",))
    )
    models.import_(path, "evil")
    with pytest.raises(ValueError, match="PyFunc"):
        magenta.generate("evil")


def test_a_bundle_that_is_not_there_is_named() -> None:
    with pytest.raises(NotInstalledError, match="nobody"):
        magenta.generate("nobody")


class TestWithTensorFlow:
    pytestmark = slow

    def test_a_bundle_is_played_the_same_for_the_same_seed(self) -> None:
        first, again, other = (magenta.generate("drums", bars=2, seed=seed) for seed in (1, 1, 2))
        assert first.midi_base64 == again.midi_base64 != other.midi_base64
        assert first.drums
        assert first.notes
        assert max(n.start for n in first.notes) < 8.0

    def test_a_melody_goes_on_from_a_primer_over_chords(self, tmp_path: Path) -> None:
        path = tmp_path / "primer.mid"
        tune = Part("lead", (Note(0.0, 60, 1.0), Note(1.0, 64, 1.0), Note(2.0, 67, 1.0)))
        path.write_bytes(write(Score((tune,), quarters=4.0)))
        made = magenta.generate("melody", bars=4, path=path, chords="C Am F G", seed=1)
        assert [n.pitch for n in made.notes[:3]] == [60, 64, 67]
        assert len(made.notes) > 3
        with pytest.raises(ValueError, match="chords: none"):
            magenta.generate("melody", bars=4)

    def test_a_generator_that_does_not_end_is_stopped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        playing: Any = importlib.import_module("engines.magenta.playing")
        monkeypatch.setattr(playing, "_STEPS_A_BAR", 3)
        with pytest.raises(TooLongError, match="did not end"):
            magenta.generate("drums", bars=4, seed=1)
