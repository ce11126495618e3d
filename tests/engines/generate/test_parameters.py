"""What every operation understands: several answers at once, notes in place of a file, ranges, styles."""

import base64
import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import generate
from engines._notes import Note, Part, Score, read, write
from engines.generate.result import Piece
from engines.generate.theory import NOTE_NAMES, SCALES, scale_tones

TUNE = tuple(Note(i / 2, p, 0.5, 80) for i, p in enumerate([60, 62, 64, 65, 67, 65, 64, 62] * 4))
BEAT = tuple(Note(i / 2, 36 if i % 2 == 0 else 42, 0.25, 90) for i in range(32))
FROM_NOTHING = [generate.midi, generate.drums, generate.bassline, generate.melody, generate.harmony]
EVERY = [
    *[(operation, {}) for operation in FROM_NOTHING],
    (generate.continue_, {"notes": TUNE, "bars": 2}),
    (generate.continue_, {"notes": BEAT, "drums": True, "bars": 2}),
    (generate.infill, {"notes": TUNE, "first_bar": 2, "last_bar": 3}),
    (generate.infill, {"notes": BEAT, "drums": True, "first_bar": 2, "last_bar": 3}),
    (generate.humanize, {"notes": BEAT, "drums": True}),
    (generate.accompany, {"notes": TUNE}),
    (generate.accompany, {"chords": "C Am F G", "bars": 4}),
]
COMMON = {"bars", "tempo", "time_signature", "temperature", "swing", "style", "seed", "send_to_core"}
WHAT_NOTES = {"key", "scale", "chords", "density", "low", "high", "model"}


def heard(track: Any) -> list[tuple[float, int]]:
    return [(note.start, note.pitch) for note in track.notes]


def named(pair: Any) -> str:
    return getattr(pair, "__name__", "")


def test_every_operation_takes_the_common_parameters() -> None:
    for operation in generate.OPERATIONS:
        parameters = inspect.signature(operation).parameters
        wanted = COMMON | ({"count"} if operation is not generate.variations else set())
        if operation is not generate.humanize:  # which chooses no notes
            wanted |= WHAT_NOTES
        assert wanted <= set(parameters), operation.__name__
        required = {name for name, given in parameters.items() if given.default is inspect.Parameter.empty}
        assert required == ({"first_bar", "last_bar"} if operation is generate.infill else set())


@pytest.mark.parametrize(("operation", "asked"), EVERY, ids=named)
def test_several_answers_differ_and_the_first_is_the_one_alone(operation: Any, asked: dict[str, Any]) -> None:
    several: Piece = operation(**asked, count=3, seed=5)
    files = {several.midi_base64, *(other.midi_base64 for other in several.alternatives)}
    assert len(files) == len(several.alternatives) + 1
    # A short progression may come twice, and is then told once.
    assert len(files) == 3 or operation is generate.harmony
    if operation not in (generate.continue_, generate.infill):  # these take the best of all drawn
        assert operation(**asked, seed=5).midi_base64 == several.midi_base64
    for other in several.alternatives:
        score = read(base64.b64decode(other.midi_base64))
        assert sum(len(part.notes) for part in score.parts) == other.facts.notes
        assert other.facts.bars == several.bars
        assert score.quarters == several.bars * 4


@pytest.mark.parametrize(("operation", "asked"), EVERY, ids=named)
def test_the_same_seed_gives_the_same_answers_and_none_gives_others(
    operation: Any, asked: dict[str, Any]
) -> None:
    assert operation(**asked, count=2, seed=9) == operation(**asked, count=2, seed=9)
    assert len({operation(**asked).midi_base64 for _ in range(6)}) > 1


def test_at_temperature_0_there_is_one_answer() -> None:
    assert generate.drums(temperature=0, count=4, seed=1).alternatives == ()
    assert generate.continue_(notes=TUNE, temperature=0, count=4, seed=1).alternatives == ()


@pytest.mark.parametrize("count", [0, -1, 17])
def test_a_count_out_of_range_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"count: {count}; must be between 1 and 16"):
        generate.melody(count=count)


# --- notes in place of a file


def test_notes_are_heard_as_the_same_file_would_be(tmp_path: Path) -> None:
    path = tmp_path / "tune.mid"
    score = Score((Part("lead", TUNE),), ((0.0, 90.0),), ((0.0, 3, 4),), 16.5)
    path.write_bytes(write(score))
    cases: list[tuple[Any, dict[str, Any]]] = [
        (generate.continue_, {"bars": 2}),
        (generate.infill, {"first_bar": 2, "last_bar": 2}),
        (generate.accompany, {}),
    ]
    for operation, more in cases:
        from_file = operation(path, seed=1, **more)
        from_notes = operation(notes=TUNE, tempo=90, time_signature="3/4", seed=1, **more)
        assert heard(from_notes.tracks[0]) == heard(from_file.tracks[0])
        assert from_notes.tempo == pytest.approx(from_file.tempo)
        assert from_notes.time_signature == from_file.time_signature == "3/4"


def test_tempo_and_metre_may_be_other_than_the_file_s(tmp_path: Path) -> None:
    path = tmp_path / "tune.mid"
    path.write_bytes(write(Score((Part("lead", TUNE),), ((0.0, 90.0),), ((0.0, 4, 4),), 16.0)))
    piece = generate.continue_(path, 1, tempo=140, time_signature="6/8", seed=1)
    score = read(base64.b64decode(piece.midi_base64))
    assert (round(score.tempo), score.signatures[0][1:], score.quarters) == (140, (6, 8), 3.0)


@pytest.mark.parametrize("operation", [generate.continue_, generate.humanize])
def test_a_file_s_tempo_out_of_range_is_refused_unless_another_is_given(
    operation: Any, tmp_path: Path
) -> None:
    path = tmp_path / "tune.mid"
    path.write_bytes(write(Score((Part("lead", TUNE),), ((0.0, 800.0),), ((0.0, 4, 4),), 16.0)))
    with pytest.raises(ValueError, match="tempo: the file's is 800 BPM; must be between 20 and 400 BPM"):
        operation(path)
    assert operation(path, tempo=200, seed=1).tempo == pytest.approx(200)


@pytest.mark.parametrize("operation", [generate.continue_, generate.humanize])
def test_neither_or_both_of_file_and_notes_are_refused(operation: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="path, notes: neither; must be one of them"):
        operation()
    with pytest.raises(ValueError, match="path, notes: both; must be one of them"):
        operation(tmp_path / "any.mid", notes=TUNE)


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (Note(-1.0, 60, 1.0), "notes.0.start: -1"),
        (Note(float("nan"), 60, 1.0), "notes.0.start: nan"),
        (Note(0.0, 128, 1.0), "notes.0.pitch: 128"),
        (Note(0.0, 60, float("inf")), "notes.0.duration: inf"),
        (Note(0.0, 60, 1.0, 200), "notes.0.velocity: 200"),
    ],
)
def test_a_note_that_cannot_be_is_named(note: Note, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        generate.continue_(notes=(note,))


def test_no_notes_and_too_many_are_refused() -> None:
    for notes in ((), TUNE * 200):
        with pytest.raises(ValueError, match=f"notes: {len(notes)}; must be between 1 and 4096"):
            generate.continue_(notes=notes)
    with pytest.raises(ValueError, match="notes: 300 bars; must be at most 256"):
        generate.continue_(notes=(Note(1199.0, 60, 1.0),))


def test_a_part_that_ends_early_is_filled_up() -> None:
    piece = generate.infill(notes=TUNE, first_bar=5, last_bar=6, bars=6, seed=1)
    assert piece.bars == 6
    assert [note for note in piece.tracks[0].notes if note.start >= 16]
    with pytest.raises(ValueError, match="bars: 3; must be at least the 4"):
        generate.infill(notes=TUNE, first_bar=1, last_bar=1, bars=3)


def test_notes_come_over_the_bus_as_maps() -> None:
    operations = {o.name: o for o in importlib.import_module("bus.operations").engine_operations(generate)}
    operation = operations["generate.continue"]
    params = operation.validate({"notes": [{"start": 0, "pitch": 60, "duration": 1}], "bars": 1, "seed": 1})
    assert operation.arguments(params)["notes"] == (Note(0.0, 60, 1.0, 90),)
    with pytest.raises(Exception, match=r"notes\.0\.pitch: 200; must be .*127"):
        operation.validate({"notes": [{"start": 0, "pitch": 200, "duration": 1}]})


@settings(max_examples=25, deadline=None)
@given(
    pitches=st.lists(st.integers(30, 90), min_size=1, max_size=40),
    key=st.sampled_from(NOTE_NAMES),
    scale=st.sampled_from(sorted(SCALES)),
    signature=st.sampled_from(["4/4", "3/4", "6/8", "7/8"]),
    bars=st.integers(1, 4),
    seed=st.integers(0, 2**53 - 1),
)
def test_whatever_is_handed_over_goes_on_in_the_scale_and_the_bars(
    *, pitches: list[int], key: str, scale: str, signature: str, bars: int, seed: int
) -> None:
    notes = tuple(Note(i / 2, pitch, 0.5, 80) for i, pitch in enumerate(pitches))
    try:
        piece = generate.continue_(
            notes=notes, bars=bars, key=key, scale=scale, time_signature=signature, seed=seed
        )
    except ValueError as error:  # a part of one pitch leaves a range that may hold no tone of a pentatonic
        assert "holds no tone of the scale" in str(error)
        return
    score = read(base64.b64decode(piece.midi_base64))
    numerator, denominator = map(int, signature.split("/"))
    assert score.quarters == bars * numerator * 4 / denominator
    assert score.signatures[0][1:] == (numerator, denominator)
    tones = scale_tones(key, scale)
    assert all(note.pitch % 12 in tones for track in piece.tracks for note in track.notes)
    assert all(note.start >= 0 and note.end <= score.quarters for t in piece.tracks for note in t.notes)


# --- ranges, styles, density


def test_drums_keep_to_the_keys_asked_for() -> None:
    for seed in range(5):
        piece = generate.drums("funk", low=36, high=42, density=1.0, seed=seed)
        assert {note.pitch for note in piece.tracks[0].notes} <= {36, 38, 42}
    with pytest.raises(ValueError, match="low, high: 90 to 99; holds none of the drums"):
        generate.drums(low=90, high=99)


def test_drums_check_a_key_and_have_none() -> None:
    plain = generate.drums(seed=3)
    assert generate.drums(key="D", scale="dorian", chords="Dm G", seed=3).midi_base64 == plain.midi_base64
    assert plain.key is None
    with pytest.raises(ValueError, match="scale: 'dorain'; did you mean dorian"):
        generate.drums(scale="dorain")


@pytest.mark.parametrize("operation", [generate.bassline, generate.melody])
def test_a_line_takes_the_swing_of_its_style(operation: Any) -> None:
    swung, straight = (operation(style="swing", swing=swing, bars=32, seed=1) for swing in (None, 0.0))
    assert any(note.start % 0.25 for note in swung.tracks[0].notes)
    assert not any(note.start % 0.25 for note in straight.tracks[0].notes)


def test_chords_are_struck_as_often_as_the_density_asks() -> None:
    few, some, many = (
        generate.harmony("C", chords="C C F G", bars=4, density=density, seed=1).tracks[0].notes
        for density in (0.0, 0.5, 1.0)
    )
    assert {note.start for note in few} == {0.0, 8.0, 12.0}
    assert {note.start for note in some} == {0.0, 4.0, 8.0, 12.0}
    assert {note.start for note in many} == {float(beat) for beat in range(16)}
    assert {note.start for note in generate.harmony(
        "C", chords="C", bars=1, density=1.0, time_signature="6/8", seed=1
    ).tracks[0].notes} == {0.0, 1.5}  # fmt: skip


def test_what_goes_on_keeps_to_the_range_key_and_style_asked_for() -> None:
    piece = generate.continue_(notes=TUNE, bars=4, key="G", scale="minor", low=55, high=70, seed=1)
    tones = scale_tones("G", "minor")
    assert all(55 <= note.pitch <= 70 and note.pitch % 12 in tones for note in piece.tracks[0].notes)
    drums = generate.continue_(notes=BEAT, drums=True, style="house", seed=1)
    assert (drums.steered_by, drums.style) == ("house", "drums")
    assert generate.continue_(notes=BEAT, drums=True, seed=1).steered_by is None


def test_an_accompaniment_plays_the_model_asked_for_in_its_own_part() -> None:
    for role in ("melody", "bass", "drums", "harmony"):
        plain, chosen = (generate.accompany(chords="C F", bars=2, model=m, seed=1) for m in (None, role))
        assert plain.midi_base64 == chosen.midi_base64


def test_humanizing_at_temperature_0_is_the_mean_of_the_drummers() -> None:
    first, second = (generate.humanize(notes=BEAT, drums=True, temperature=0.0, seed=seed) for seed in (1, 2))
    assert first.midi_base64 == second.midi_base64
