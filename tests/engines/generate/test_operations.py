"""What is asked for holds, whatever is drawn: bars, scale, range, metre, seed."""

import base64
import importlib
import io
import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import generate
from engines._errors import NotInstalledError, TooLongError, UndecodableError
from engines._notes import Note, Part, Score, read, write
from engines.generate import drumming, styles
from engines.generate.request import read_signature
from engines.generate.result import Piece
from engines.generate.styles import STYLES
from engines.generate.theory import NOTE_NAMES, SCALES, scale_tones

SIGNATURES = ("4/4", "3/4", "6/8", "7/8", "5/4", "12/8", "2/4")


def midi_of(piece: Piece) -> Score:
    return read(base64.b64decode(piece.midi_base64))


def check(piece: Piece, signature: str = "4/4") -> None:
    """Hold the guarantees that hold for every piece."""
    score = midi_of(piece)
    numerator, denominator = read_signature(signature)
    assert score.signatures[0][1:] == (numerator, denominator)
    assert score.quarters == piece.bars * numerator * 4 / denominator
    assert score.tempo == pytest.approx(piece.tempo, rel=1e-4)
    for track in piece.tracks:
        assert list(track.notes) == sorted(track.notes)
        for note in track.notes:
            assert 0 <= note.start < score.quarters
            assert note.end <= score.quarters + 1e-6
            assert type(note.start) is float
    assert sum(len(part.notes) for part in score.parts) == piece.facts.notes


def save(tmp_path: Path, *parts: Part, quarters: float = 16.0, signature: tuple[int, int] = (4, 4)) -> Path:
    path = tmp_path / "given.mid"
    path.write_bytes(write(Score(parts, ((0.0, 100.0),), ((0.0, *signature),), quarters)))
    return path


TUNE = Part(
    "lead", tuple(Note(i / 2, p, 0.5, 80) for i, p in enumerate([60, 62, 64, 65, 67, 65, 64, 62] * 4))
)
BEAT = Part("kit", tuple(Note(i / 2, 36 if i % 2 == 0 else 42, 0.25, 90) for i in range(32)), drums=True)


# --- what phase 1 promised ------------------------------------------------------------------------------


def test_midi_answers_as_it_always_did() -> None:
    piece = generate.midi()
    assert (piece.status, piece.style, piece.tempo, piece.bars) == ("success", "drums", 120.0, 4)
    heard = pretty_midi.PrettyMIDI(io.BytesIO(base64.b64decode(piece.midi_base64)))
    assert heard.instruments[0].is_drum
    assert heard.instruments[0].notes


@pytest.mark.parametrize("operation", [generate.bassline, generate.melody])
def test_bass_and_melody_answer_as_they_always_did(operation: Any) -> None:
    piece = operation()
    assert (piece.status, piece.key, piece.scale, piece.bars, piece.tempo) == (
        "success",
        "C",
        "major",
        8,
        120.0,
    )
    assert piece.facts.in_key_rate == 1.0


@pytest.mark.parametrize("style", ["drums", "melody", "bass", "harmony"])
def test_midi_writes_each_part(style: str) -> None:
    piece = generate.midi(style, seed=1)
    assert piece.style == style
    assert [track.name for track in piece.tracks] == [style]
    check(piece)


# --- what always holds ------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(["melody", "bassline", "harmony"]),
    key=st.sampled_from(NOTE_NAMES),
    scale=st.sampled_from(sorted(SCALES)),
    signature=st.sampled_from(SIGNATURES),
    bars=st.integers(1, 5),
    temperature=st.sampled_from([0.0, 0.7, 1.0, 2.0]),
    seed=st.integers(0, 2**53 - 1),
)
def test_every_note_is_in_the_scale_and_every_bar_is_there(
    *, name: str, key: str, scale: str, signature: str, bars: int, temperature: float, seed: int
) -> None:
    piece = getattr(generate, name)(
        key, scale, bars, time_signature=signature, temperature=temperature, seed=seed
    )
    check(piece, signature)
    tones = scale_tones(key, scale)
    assert all(note.pitch % 12 in tones for track in piece.tracks for note in track.notes)


@settings(max_examples=30, deadline=None)
@given(
    style=st.sampled_from([None, *STYLES]),
    signature=st.sampled_from(SIGNATURES),
    bars=st.integers(1, 5),
    temperature=st.sampled_from([0.0, 1.0, 2.0]),
    density=st.floats(0, 1),
    seed=st.integers(0, 2**53 - 1),
)
def test_drums_are_on_the_drum_channel_and_fill_their_bars(
    *, style: str | None, signature: str, bars: int, temperature: float, density: float, seed: int
) -> None:
    piece = generate.drums(
        style, bars, time_signature=signature, temperature=temperature, density=density, seed=seed
    )
    check(piece, signature)
    assert all(part.drums for part in midi_of(piece).parts)
    assert all(track.drums for track in piece.tracks)
    if style is not None:
        assert piece.steered_by == style


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["melody", "bassline"]), st.integers(20, 90), st.integers(7, 30), st.integers(0, 2**32)
)
def test_every_note_is_in_the_range(name: str, low: int, width: int, seed: int) -> None:
    high = min(127, low + width)
    piece = getattr(generate, name)("C", "chromatic", 2, low=low, high=high, seed=seed)
    assert all(low <= note.pitch <= high for note in piece.tracks[0].notes)


@pytest.mark.parametrize("name", ["midi", "drums", "bassline", "melody", "harmony"])
def test_the_same_seed_gives_the_same_bytes_and_no_seed_others(name: str) -> None:
    operation = getattr(generate, name)
    assert operation(seed=7).midi_base64 == operation(seed=7).midi_base64
    if name == "harmony":  # few progressions are likely; ten in a row are not all alike
        assert len({operation().midi_base64 for _ in range(10)}) > 1
    else:
        assert operation().midi_base64 != operation().midi_base64


def test_the_seed_of_an_answer_gives_it_again() -> None:
    piece = generate.melody(chords="Dm G C")
    assert generate.melody(chords="Dm G C", seed=piece.seed).midi_base64 == piece.midi_base64


def test_temperature_0_is_greedy() -> None:
    first, second = (generate.drums(temperature=0, seed=seed) for seed in (1, 2))
    assert [(n.start, n.pitch) for n in first.tracks[0].notes] == [
        (n.start, n.pitch) for n in second.tracks[0].notes
    ]


@pytest.mark.parametrize("chords", [None, "C Am F G", "Am F C G", "Dm7 G7 Cmaj7 Am7"])
def test_what_is_likeliest_is_not_silence(chords: str | None) -> None:
    piece = generate.melody(chords=chords, temperature=0, seed=1)
    assert piece.facts.notes >= piece.bars
    assert piece.facts.empty_bars <= 1


def test_a_bass_stands_on_chord_tones_where_the_bar_is_strong() -> None:
    for seed in range(10):
        piece = generate.bassline(chords="C Am F G", seed=seed)
        assert piece.facts.chord_tone_rate in (None, 1.0)
        assert piece.chords == ("C", "Am", "F", "G") * 2


@pytest.mark.parametrize("bars", [1, 8])
def test_a_bass_begins_on_the_one(bars: int) -> None:
    answer = generate.bassline(chords="C Am F G", bars=bars, seed=bars, count=16)
    for tracks in (answer.tracks, *(other.tracks for other in answer.alternatives)):
        assert tracks[0].notes[0].start == 0


@pytest.mark.parametrize("signature", ["3/4", "5/4", "7/8"])
def test_a_bass_begins_every_bar_of_a_metre_its_songs_were_not_in(signature: str) -> None:
    numerator, denominator = map(int, signature.split("/"))
    piece = generate.bassline(chords="C Am F G", bars=8, time_signature=signature, seed=1)
    starts = {note.start for note in piece.tracks[0].notes}
    assert {bar * numerator * 4 / denominator for bar in range(8)} <= starts


def test_a_denser_request_has_more_notes() -> None:
    def count(density: float) -> int:
        return sum(generate.drums(density=density, seed=seed).facts.notes for seed in range(5))

    assert count(0.1) < count(0.5) < count(0.9)


def test_swing_delays_the_off_beats() -> None:
    straight, swung = (generate.drums("house", swing=swing, seed=3) for swing in (0.0, 1.0))
    late = {0.25: 0.0, 0.75: 0.0}
    for a, b in zip(straight.tracks[0].notes, swung.tracks[0].notes, strict=True):
        if a.start % 0.5 == 0.25:
            late[a.start % 1.0] = max(late[a.start % 1.0], b.start - a.start)
        else:
            assert b.start == pytest.approx(a.start)
    assert max(late.values()) == pytest.approx(1 / 12)


def test_chords_without_a_key_are_played_in_the_key_they_fit() -> None:
    piece = generate.harmony(chords="E A B7 E", bars=4, seed=1)
    assert (piece.key, piece.scale) == ("E", "major")
    assert piece.chords == ("E", "A", "B7", "E")


def test_voices_move_little_from_chord_to_chord() -> None:
    notes = generate.harmony(chords="C F G C", bars=4, seed=1).tracks[0].notes
    bars = [[n.pitch for n in notes if n.start == bar * 4] for bar in range(4)]
    for before, after in itertools.pairwise(bars):
        assert sum(abs(a - b) for a, b in zip(before, after, strict=True)) <= 9


# --- files that come in -----------------------------------------------------------------------------------


def test_a_melody_goes_on_in_its_own_metre_and_tempo(tmp_path: Path) -> None:
    piece = generate.continue_(save(tmp_path, TUNE), 2, seed=1)
    check(piece)
    assert (piece.bars, piece.tempo, piece.style) == (2, 100.0, "melody")
    assert piece.tracks[0].notes


def test_drums_go_on_as_drums(tmp_path: Path) -> None:
    piece = generate.continue_(save(tmp_path, BEAT), 2, seed=1)
    check(piece)
    assert piece.tracks[0].drums
    assert piece.tracks[0].notes


def test_a_part_can_be_named(tmp_path: Path) -> None:
    path = save(tmp_path, TUNE, BEAT)
    assert generate.continue_(path, 1, seed=1).style == "melody"
    assert generate.continue_(path, 1, track=2, seed=1).style == "drums"
    with pytest.raises(ValueError, match="track: 3; the file has 2"):
        generate.continue_(path, 1, track=3)


def test_infill_leaves_the_rest_as_it_was(tmp_path: Path) -> None:
    piece = generate.infill(save(tmp_path, TUNE), first_bar=2, last_bar=3, seed=1)
    check(piece)

    def outside(notes: tuple[Note, ...]) -> list[tuple[float, int, int]]:
        return [(n.start, n.pitch, n.velocity) for n in notes if not 4 <= n.start < 12]

    assert outside(piece.tracks[0].notes) == outside(TUNE.notes)
    inside = [(n.start, n.pitch) for n in piece.tracks[0].notes if 4 <= n.start < 12]
    assert inside
    assert inside != [(n.start, n.pitch) for n in TUNE.notes if 4 <= n.start < 12]


@pytest.mark.parametrize(("first", "last"), [(0, 1), (3, 2), (1, 99)])
def test_bars_that_are_not_there_cannot_be_filled(tmp_path: Path, first: int, last: int) -> None:
    with pytest.raises(ValueError, match="first_bar, last_bar"):
        generate.infill(save(tmp_path, TUNE), first_bar=first, last_bar=last)


def test_humanizing_moves_and_weighs_but_adds_nothing(tmp_path: Path) -> None:
    path = save(tmp_path, TUNE, BEAT)
    piece = generate.humanize(path, style="funk", seed=1)
    check(piece)
    before = read(path)
    for part, track in zip(before.parts, piece.tracks, strict=True):
        assert sorted(n.pitch for n in part.notes) == sorted(n.pitch for n in track.notes)
    drums = piece.tracks[1].notes
    assert len({n.velocity for n in drums}) > 5
    assert any(n.start * 4 % 1 for n in drums)
    untouched = generate.humanize(path, timing=0.0, loudness=0.0, seed=1)
    assert [t.notes for t in untouched.tracks] == [p.notes for p in before.parts]


def test_a_melody_gets_chords_bass_and_drums(tmp_path: Path) -> None:
    piece = generate.accompany(save(tmp_path, TUNE), style="bossa", seed=1)
    check(piece)
    assert [track.name for track in piece.tracks] == ["melody", "harmony", "bass", "drums"]
    assert [(n.start, n.pitch) for n in piece.tracks[0].notes] == [(n.start, n.pitch) for n in TUNE.notes]
    assert piece.steered_by == "bossa"


def test_chords_alone_get_a_melody_too() -> None:
    piece = generate.accompany(chords="Am F C G", bars=4, seed=1)
    check(piece)
    assert len(piece.tracks) == 4
    with pytest.raises(ValueError, match="path, notes, chords"):
        generate.accompany()


def test_variations_differ_and_are_ranked() -> None:
    for part in ("drums", "melody", "bass"):
        made = generate.variations(part, 4, seed=1).pieces
        assert len({piece.midi_base64 for piece in made}) == 4
        ranks = [abs(piece.surprise or 0.0) for piece in made]
        assert ranks == sorted(ranks)
        assert all(ranks)


@pytest.mark.parametrize("notes", [TUNE.notes, BEAT.notes])
def test_what_surprises_the_model_as_much_as_music_does_goes_on_first(notes: tuple[Note, ...]) -> None:
    # The likeliest of several lines is the one with the fewest notes; none is chosen for that.
    made = generate.continue_(notes=notes, drums=notes is BEAT.notes, bars=4, seed=1, count=4)
    ranks = [abs(made.surprise or 0.0), *(abs(other.surprise or 0.0) for other in made.alternatives)]
    assert len(ranks) == 4
    assert ranks == sorted(ranks)


def test_a_primer_in_seven_eight_goes_on_in_it(tmp_path: Path) -> None:
    piece = generate.continue_(save(tmp_path, TUNE, quarters=17.5, signature=(7, 8)), 2, seed=1)
    check(piece, "7/8")


def test_a_primer_of_a_hundred_thousand_notes_is_heard(tmp_path: Path) -> None:
    dense = Part("dense", tuple(Note(i % 200 / 4, 21 + i % 88, 0.25, 50) for i in range(100_000)))
    path = tmp_path / "dense.mid"
    path.write_bytes(write(Score((dense,), quarters=50.25)))
    check(generate.continue_(path, 1, seed=1))


def test_a_file_without_notes_or_cut_short_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no notes"):
        generate.continue_(save(tmp_path), 2)
    path = save(tmp_path, TUNE)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UndecodableError):
        generate.continue_(path, 2)
    path.write_bytes(b"MThd" + bytes(9_000_000))
    with pytest.raises(TooLongError):
        generate.continue_(path, 2)


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"tempo": 0}, "tempo: 0; must be between 20 and 400 BPM"),
        ({"tempo": -1}, "tempo: -1"),
        ({"tempo": 1e9}, "tempo: 1e"),
        ({"tempo": float("nan")}, "tempo: nan"),
        ({"bars": 0}, "bars: 0; must be between 1 and 256"),
        ({"bars": 10_000}, "bars: 10000"),
        ({"key": "H"}, "key: 'H'"),
        ({"scale": "majro"}, "did you mean major"),
        ({"chords": "C Xyz"}, "chords: 'Xyz'"),
        ({"chords": ""}, "chords: ''"),
        ({"temperature": 2.1}, "temperature: 2.1"),
        ({"time_signature": "4/5"}, "time_signature: '4/5'"),
        ({"low": 80, "high": 60}, "low: 80; must not be above high"),
        ({"low": 61, "high": 61}, "holds no tone of the scale"),
    ],
)
def test_what_cannot_be_is_refused_by_name(given_: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        generate.melody(**given_)


def test_a_style_that_is_not_known_names_near_ones() -> None:
    with pytest.raises(ValueError, match="did you mean house"):
        generate.drums("hous")
    with pytest.raises(ValueError, match="did you mean melody"):
        generate.midi("melodi")


def test_a_model_that_is_missing_says_what_to_do() -> None:
    with pytest.raises(NotInstalledError, match=r"models\.import"):
        generate.drums(model="nobody")
    with pytest.raises(NotInstalledError, match="is for melody"):
        generate.drums(model="melody")


def test_reading_the_signatures_loads_no_numpy() -> None:
    code = "import sys, engines.generate; assert not {'numpy', 'scipy', 'tensorflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def test_tensorflow_is_not_loaded_to_serve() -> None:
    code = (
        "import sys; from engines import generate; generate.warm_up(); generate.midi(); "
        "assert not {'tensorflow', 'librosa', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def test_every_operation_is_what_the_bus_takes() -> None:
    operations = importlib.import_module("bus.operations").engine_operations(generate)
    assert {operation.name for operation in operations} >= {"generate.midi", "generate.continue"}


@pytest.mark.parametrize("style", ["dubstep", "salsa", "house", "rock"])
def test_a_style_is_heard_and_never_looped(style: str) -> None:
    made = [generate.drums(style=style, bars=8, seed=seed) for seed in range(6)]
    bars = [drumming.events(one.tracks[0].notes, 128).reshape(8, 16) for one in made]
    hits = (np.concatenate(bars)[:, :, None] >> np.arange(9)) & 1
    pattern = styles.find(style).chances
    assert np.corrcoef(hits.mean(axis=0).ravel(), pattern.ravel())[0, 1] > 0.7
    assert all(len({bar.tobytes() for bar in one}) > 1 for one in bars)
    assert len({one.tobytes() for one in bars}) == len(bars)
