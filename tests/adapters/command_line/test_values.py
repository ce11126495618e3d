import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from adapters.command_line import shown, values
from adapters.command_line.parser import UsageError

SCHEMA = {
    "properties": {
        "tempo": {"type": "number"},
        "bars": {"type": "integer"},
        "name": {"type": "string"},
        "loud": {"type": "boolean"},
        "notes": {"type": "array"},
        "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "style": {"$ref": "#/$defs/Style"},
        "path": {"anyOf": [{"contentMediaType": "audio/*"}, {"type": "null"}]},
        "folder": {"format": "directory-path"},
    },
    "$defs": {"Style": {"enum": ["drums", "1"]}},
}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("tempo", "96", 96),
        ("tempo", "96.5", 96.5),
        ("tempo", "fast", "fast"),
        ("bars", "8", 8),
        ("bars", "true", True),  # wrong, and the daemon says so
        ("name", "8", "8"),
        ("name", '"quoted"', '"quoted"'),
        ("name", "null", "null"),
        ("loud", "true", True),
        ("notes", "[60, 64]", [60, 64]),
        ("maybe", "null", None),
        ("maybe", "true", "true"),
        ("either", "7", 7),
        ("either", "seven", "seven"),
        ("style", "1", "1"),
        ("unknown", "[1]", [1]),
        ("unknown", "word", "word"),
        ("path", "/a/b.wav", "/a/b.wav"),
    ],
)
def test_a_value_is_read_as_the_schema_wants_it(name: str, text: str, value: object) -> None:
    read = values.read({name: text}, SCHEMA)[name]
    assert read == value
    assert type(read) is type(value)


def test_relative_files_and_folders_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    read = values.read({"path": "song=1.wav", "folder": "~/music"}, SCHEMA)
    assert read == {"path": str(tmp_path / "song=1.wav"), "folder": str(Path("~/music").expanduser())}


@pytest.mark.parametrize("name", ["path", "folder"])
def test_an_empty_text_is_no_path(name: str) -> None:
    assert values.read({name: ""}, SCHEMA) == {name: ""}  # which the daemon refuses


def test_a_word_that_is_a_file_is_its_name_whatever_it_begins_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"piped")))
    assert values.file("@at.wav") == str(tmp_path / "@at.wav")
    assert values.file("-") == b"piped"


def test_at_sends_the_bytes_of_a_file_or_of_stdin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "song.wav").write_bytes(b"RIFF")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"piped")))
    texts = values.split([f"path=@{tmp_path}/song.wav", "other=@-"])
    assert values.read(texts, SCHEMA) == {"path": b"RIFF", "other": b"piped"}
    with pytest.raises(UsageError, match=r"none\.wav: No such file"):
        values.read({"path": "@none.wav"}, SCHEMA)


def test_results_are_shown_with_their_units() -> None:
    schema = {
        "properties": {
            "tempo": {"type": "number", "unit": "BPM"},
            "key": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "beats": {"type": "array", "items": {"type": "number", "unit": "s"}},
            "share": {"type": "number", "unit": "1"},
            "notes": {"type": "array", "items": {"$ref": "#/$defs/Note"}},
            "deep": {"$ref": "#/$defs/Note"},
        },
        "$defs": {"Note": {"properties": {"pitch": {"unit": "MIDI note number"}}}},
    }
    result = {
        "tempo": 120.0000001,
        "key": None,
        "beats": [0.5, 1.0],
        "share": 0.25,
        "notes": [{"pitch": 60, "on": True}, {"pitch": 61, "on": False}],
        "deep": {"pitch": 1},
        "data": b"abc",
        "midi_base64": "T" * 5000,
        "nothing": [],
        "empty": {},
    }
    assert list(shown.lines(result, schema)) == [
        "tempo        120 BPM",
        "key          -",
        "beats        0.5, 1 s",
        "share        0.25",
        "notes",
        "  - pitch  60 MIDI note number",
        "    on     yes",
        "  - pitch  61 MIDI note number",
        "    on     no",
        "deep",
        "  pitch  1 MIDI note number",
        "data         3 bytes (-o FILE writes them)",
        f"midi_base64  {'T' * 40}... (5000 characters)",
        "nothing      none",
        "empty        none",
    ]


def test_long_lists_are_shortened_for_people() -> None:
    result = {"beats": [0.5] * 1000, "notes": [{"pitch": 60}] * 30}
    shown_lines = list(shown.lines(result, {}))
    assert " ".join(" ".join(shown_lines).split()).count("0.5") == 24
    assert "(1000 in all)" in " ".join(shown_lines)
    assert shown_lines.count("  - pitch  60") == 24
    assert shown_lines[-1] == "  ... (30 in all)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1e-7, "1e-07"),
        (8.97951355166002e-05, "8.97951e-05"),
        (440.0, "440"),
        (123456789.5, "123456789.5"),
        (0.1 + 0.2, "0.3"),
    ],
)
def test_numbers_have_the_digits_that_count(value: float, text: str) -> None:
    assert shown.number(value) == text
