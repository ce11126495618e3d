"""Which kits a training may learn from, and which are kept back to choose thresholds on and to measure on."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engines.transcribe.training.kits import (
    Kit,
    hydrogen_kit,
    kits_of_shots,
    sampled_kits,
    single_kit,
    unlike,
)
from engines.transcribe.training.recordings import CHOOSING, HELD_BACK, KIT_PROGRAMS, MORE_KIT_PROGRAMS


@dataclass(frozen=True)
class KeptBack:
    """Kits to choose thresholds on and, by where they are from, to measure on; no sound is in both.

    `hydrogen` are the rest of Hydrogen's, by name.
    """

    choosing: list[Kit]
    tests: dict[str, list[Kit]]
    hydrogen: dict[str, Kit]

    def learnable(self, kits: Sequence[Kit]) -> list[Kit]:
        """Leave out of kits what is kept back, and kits without bass drum, snare or hat."""
        measured = [kit for some in self.tests.values() for kit in some]
        return [kit for kit in unlike(kits, measured + self.choosing) if kit.keys() >= {36, 38, 42}]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take where the kits are that are kept back."""
    parser.add_argument("--choosing-kit", type=Path, action="append", default=[])
    parser.add_argument("--test-soundfont", type=Path, action="append", default=[])
    parser.add_argument("--hydrogen", type=Path, help="a folder of Hydrogen's kits")


def kept_back(arguments: argparse.Namespace) -> KeptBack:
    """Read what is kept back."""
    folders = (
        sorted(path.parent for path in arguments.hydrogen.glob("*/drumkit.xml")) if arguments.hydrogen else []
    )
    hydrogen = {folder.name: hydrogen_kit(folder) for folder in folders}
    tests = {font.name: sampled_kits(font, KIT_PROGRAMS) for font in arguments.test_soundfont}
    tests["hydrogen"] = [kit for name, kit in hydrogen.items() if name in HELD_BACK]
    choosing = [single_kit(font) for font in arguments.choosing_kit]
    choosing += [kit for name, kit in hydrogen.items() if name in CHOOSING]
    choosing = unlike(choosing, [kit for some in tests.values() for kit in some])
    rest = {name: kit for name, kit in hydrogen.items() if name not in (*HELD_BACK, *CHOOSING)}
    return KeptBack(choosing, tests, rest)


def kits_in(source: Path) -> list[Kit]:
    """Read the kits of a soundfont, or those of the one-shots in a folder."""
    if source.is_dir():
        return kits_of_shots(source)
    return sampled_kits(source, (*KIT_PROGRAMS, *MORE_KIT_PROGRAMS))
