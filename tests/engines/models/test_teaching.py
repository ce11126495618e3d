"""A model taught from a user's own files: fewer surprises in them than before, and it can be played."""

import importlib.util
from pathlib import Path

import pytest

from engines import generate, models
from engines._notes import Note, Part, Score, write
from engines.models import teaching

needs_magenta = pytest.mark.skipif(
    importlib.util.find_spec("magenta") is None or importlib.util.find_spec("tensorflow") is None,
    reason="magenta and TensorFlow are not installed",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAWG_MODELS", str(tmp_path / "models"))
    songs = tmp_path / "songs"
    songs.mkdir()
    odd = tuple(Note(i * 0.75, 45 if i % 2 else 49, 0.25, 90) for i in range(40))  # nobody plays this
    tune = tuple(Note(i / 2, 60 + i * 5 % 12, 0.5, 90) for i in range(64))
    for i in range(6):
        parts = (Part("kit", odd, drums=True), Part("lead", tune))
        (songs / f"{i}.mid").write_bytes(write(Score(parts, quarters=32.0)))
    (songs / "broken.mid").write_bytes(b"MThd")
    return songs


def test_files_are_read_as_the_parts_they_hold(folder: Path) -> None:
    drums, left_out = teaching.gathered(folder, "drums")
    assert ({s.song for s in drums}, left_out) == ({f"{i}.mid" for i in range(6)}, 1)
    melodies, _ = teaching.gathered(folder, "melody")
    assert all(len(s.events) == len(s.chords) for s in melodies)
    assert teaching.gathered(folder, "bass") == ([], 7)


def test_too_few_files_and_unknown_parts_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="part"):
        models.train(folder, "flute", "mine")
    with pytest.raises(ValueError, match="name"):
        models.train(folder, "drums", "drums")


def test_a_run_that_was_cut_short_goes_on_to_where_it_was_to_end(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    assert teaching._until(work, 100) == 100
    (work / "model.ckpt-40.index").touch()
    assert teaching._until(work, 100) == 100
    assert teaching._until(work, 7) == 100
    (work / "model.ckpt-100.index").touch()
    assert teaching._until(work, 100) == 200
    (work / "asked.json").write_text("half a fi")
    assert teaching._until(work, 5) == 105


class Enough(Exception):
    """As a job is cancelled: out of `progress`."""


@needs_magenta
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(600)
def test_a_taught_model_knows_the_files_better_and_plays(folder: Path) -> None:
    told: list[tuple[float, str]] = []

    def until_the_third(fraction: float, stage: str) -> None:
        told.append((fraction, stage))
        if sum(word == "train" for _, word in told) > 3:
            raise Enough

    with pytest.raises(Enough):
        models.train(folder, "drums", "mine", steps=6, seed=1, progress=until_the_third)
    assert "mine" not in {model.name for model in models.list_().models}
    told.clear()
    made = models.train(
        folder,
        "drums",
        "mine",
        steps=6,
        seed=1,
        progress=lambda fraction, stage: told.append((fraction, stage)),
    )
    # Three were done already, and are not done again.
    assert sum(word == "train" for _, word in told) == 1 + 3
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
    assert (made.files, made.chosen_by, made.measured_on, made.left_out, made.steps) == (4, 1, 1, 1, 6)
    assert made.nll < made.nll_before
    assert made.model.problem is None
    assert generate.drums(model="mine", seed=1).models[0].sha256 == made.model.sha256
    assert models.train(folder, "drums", "mine", steps=2, seed=1).steps == 8
