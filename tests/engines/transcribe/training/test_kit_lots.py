"""What is measured on, or chosen on, is not learned from."""

import argparse
from pathlib import Path

import numpy as np

from engines import _audio
from engines.transcribe.training import kit_lots
from engines.transcribe.training.kit_lots import KeptBack, kept_back, kits_in
from engines.transcribe.training.kits import Kit
from engines.transcribe.training.recordings import CHOOSING, HELD_BACK
from engines.transcribe.training.scores import SR

NAMES = {36: "Kick", 38: "Snare", 42: "Closed hat"}


def kit(seed: int) -> Kit:
    rng = np.random.default_rng(seed)
    fall = np.exp(-np.arange(SR // 4) / SR * 20)
    return {key: [(rng.standard_normal(SR // 4) * fall / 4).astype(np.float32)] for key in NAMES}


def write(folder: Path, one: Kit) -> None:
    """Write a kit as Hydrogen keeps it."""
    folder.mkdir(parents=True)
    described = ""
    for key, (shot,) in one.items():
        _audio.save(folder / f"{NAMES[key]}.wav", shot, SR)
        layer = f"<layer><filename>{NAMES[key]}.wav</filename></layer>"
        described += f"<instrument><name>{NAMES[key]}</name>{layer}</instrument>\n"
    (folder / "drumkit.xml").write_text(described)


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    kit_lots.add_arguments(parser)
    return parser.parse_args(words)


def test_hydrogens_kits_are_parted_by_name_and_no_sound_is_in_two_lots(tmp_path: Path) -> None:
    write(tmp_path / HELD_BACK[0], kit(1))
    write(tmp_path / CHOOSING[0], kit(2) | {42: kit(1)[42]})
    write(tmp_path / "Another", kit(3))
    kept = kept_back(arguments("--hydrogen", str(tmp_path)))
    assert [sorted(one) for one in kept.tests["hydrogen"]] == [[36, 38, 42]]
    assert [sorted(one) for one in kept.choosing] == [[36, 38]]
    assert list(kept.hydrogen) == ["Another"]


def test_a_kit_that_shares_a_needed_sound_with_what_is_kept_back_is_not_learned_from() -> None:
    kept = KeptBack(choosing=[kit(1)], tests={"a font": [kit(2)]}, hydrogen={})
    assert len(kept.learnable([kit(3), kit(4) | {36: kit(1)[36]}, kit(5) | {38: kit(2)[38]}])) == 1


def test_a_folder_of_one_shots_is_read_as_kits(tmp_path: Path) -> None:
    for i in range(2):
        for key, (shot,) in kit(i).items():
            _audio.save(tmp_path / f"{NAMES[key]} {i}.wav", shot, SR)
    found = kits_in(tmp_path)
    assert [sorted(one) for one in found] == [[36, 38, 42]] * 2


def test_nothing_is_kept_back_where_nothing_is_named() -> None:
    kept = kept_back(arguments())
    assert (kept.choosing, kept.tests, kept.hydrogen) == ([], {"hydrogen": []}, {})
