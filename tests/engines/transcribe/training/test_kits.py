"""Kits from folders of sounds, and what a performance needs of them."""

from pathlib import Path

import numpy as np
import pytest

from engines.transcribe.training import kits as all_kits
from engines.transcribe.training.drum_machines import made_kit
from engines.transcribe.training.kits import (
    audible,
    key_of,
    kits_of_shots,
    needed,
    play,
    sampled_kits,
    unlike,
)
from engines.transcribe.training.scores import Played
from tests import signals


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("kick_hard01", 36),
        ("BassDrum", 36),
        ("bd_808", 36),
        ("sn_dub", 38),
        ("snare_rim01", 37),
        ("Closed HH", 42),
        ("hihat_opened01", 46),
        ("hihat_foot_pedal01", 44),
        ("drum_cymbal_open", 46),
        ("tom_low01", 43),
        ("Tom Hi", 48),
        ("ride-cup", 51),
        ("Crash/Ride", 51),
        ("012 Hat_o", 46),
        ("7_bb_openhihat", 46),
        ("Openhat01", 46),
        ("0_cymrev", None),
        ("K_Linn", 36),
        ("linn_snr", 38),
        ("TR606_Tom_L", 43),
        ("Tr77_cym", 49),
        ("dusty_simple_oh", 46),
        ("big_80's", None),
        ("tomhi2", 45),
        ("tomita_clip", None),
        ("Cowbell", None),
        ("Bongo Hi", None),
        ("15", None),
    ],
)
def test_a_sound_is_known_by_its_name(name: str, key: int | None) -> None:
    assert key_of(name) == key


def test_a_folder_of_sounds_makes_as_many_kits_as_its_commonest_drum_has_sounds(tmp_path: Path) -> None:
    for i, name in enumerate(("kick_1", "kick_2", "snare_1", "hat_1", "cowbell_1")):
        signals.write(tmp_path / f"{name}.wav", signals.tone(100.0 * (i + 1), 0.2))
    (tmp_path / "snare_2.wav").write_text("not audio")
    (tmp_path / "open hats").mkdir()
    signals.write(tmp_path / "open hats" / "openhat.wav", signals.tone(800.0, 0.2))
    kits = kits_of_shots(tmp_path)
    assert [sorted(kit) for kit in kits] == [[36, 38, 42, 46]] * 2
    assert not np.array_equal(kits[0][36][0], kits[1][36][0])
    assert np.array_equal(kits[0][38][0], kits[1][38][0])


def test_what_a_performance_needs_of_a_kit_plays_it_alike() -> None:
    kit = made_kit(np.random.default_rng(0))
    song = [Played(0.1, 36, 0.2, 100), Played(0.3, 22, 0.4, 80), Played(0.5, 58, 0.6, 90)]
    part = needed(song, kit)
    assert sorted(part) == [36, 42, 43]
    assert np.array_equal(play(song, part, 1.0), play(song, kit, 1.0))
    assert audible(song, part) == song


def test_a_sound_that_another_kit_has_too_is_left_out_at_any_level() -> None:
    first, second = (made_kit(np.random.default_rng(seed)) for seed in (1, 2))
    copied = second | {38: [0.3 * shot for shot in first[38]]}
    (left,) = unlike([copied], [first])
    assert sorted(second.keys() - left.keys()) == [38]
    assert np.array_equal(left[36][0], second[36][0])


def test_a_program_that_a_soundfont_lacks_adds_no_kit(monkeypatch: pytest.MonkeyPatch) -> None:
    def struck(_: Path, program: int) -> all_kits.Kit:
        return made_kit(np.random.default_rng(program if program in (0, 25) else 0))

    monkeypatch.setattr(all_kits, "sampled_kit", struck)
    first, second = sampled_kits(Path("any.sf2"), (0, 1, 25, 26))
    assert np.array_equal(first[36][0], struck(Path(), 0)[36][0])
    assert np.array_equal(second[36][0], struck(Path(), 25)[36][0])
