"""Drums for music in beats: the authored styles in bars of four, and patterns of our own in others."""

from typing import TypeAlias

import numpy as np

from engines.analyze.training.performing import DRUMS, Music, Rng
from engines.generate import styles

KEYS = (36, 38, 42, 46, 45, 47, 50, 49, 51)  # as `styles` orders drums
HATS, SNARES = (42, 42, 42, 51, 70, 54, 44), (38, 38, 40, 37, 39)
NOT_IN_FOUR = ("waltz", "6/8")
# (kick, snare, hat) in beats of a bar, by beats a bar; for 2/4, 3/4 and plain 4/4, and for 6/8 and 12/8.
Places: TypeAlias = tuple[float, ...]
Pattern: TypeAlias = tuple[Places, Places, Places]
EIGHTHS, SIXTEENTHS = tuple(k / 2 for k in range(8)), tuple(k / 4 for k in range(16))
BINARY: dict[int, tuple[Pattern, ...]] = {
    2: (
        ((0,), (1,), (0, 0.5, 1, 1.5)),
        ((0,), (0.5, 1.5), ()),
        ((0, 1), (1.5,), (0.5, 1.5)),
        ((0,), (0, 0.5, 0.75, 1, 1.5, 1.75), ()),
        ((0, 1), (0.5, 1.5), (0.5, 1.5)),
        ((0,), (0.5, 1, 1.25, 1.5), (0, 1)),
        ((0, 0.75), (1,), (0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75)),
    ),
    3: (
        ((0,), (1, 2), (0, 1, 2)),
        ((0,), (2,), (0, 0.5, 1, 1.5, 2, 2.5)),
        ((0, 2.5), (1, 2), (0, 1, 1.5, 2)),
        ((0,), (), (0, 1, 2)),
        ((0, 1.5), (1, 2), (0, 0.5, 1, 1.5, 2, 2.5)),
    ),
    4: (
        ((0, 2), (1, 3), EIGHTHS),
        ((0, 2), (1, 3), (0, 1, 2, 3)),
        ((0, 2), (1, 3), SIXTEENTHS),
        ((0, 2), (1, 3), ()),
        ((0, 2, 2.5), (1, 3), EIGHTHS),
        ((0, 1, 2, 3), (1, 3), (0.5, 1.5, 2.5, 3.5)),
        ((0, 1, 2, 3), (1, 3), SIXTEENTHS),
        ((0, 1, 2, 3), (), (0.5, 1.5, 2.5, 3.5)),
    ),
}
THIRD = 1 / 3
SIXTHS = tuple(k * THIRD for k in range(6))
TWELFTHS = tuple(k * THIRD for k in range(12))
TERNARY: dict[int, tuple[Pattern, ...]] = {
    2: (
        ((0,), (1,), SIXTHS),
        ((0, 2 * THIRD), (1,), SIXTHS),
        ((0,), (1,), (0, 2 * THIRD, 1, 1 + 2 * THIRD)),
        ((0, 1 + 2 * THIRD), (1,), (0, 1)),
        ((0, 1 + THIRD), (1,), SIXTHS),
        ((0,), (1, 1 + 2 * THIRD), SIXTHS),
        ((0, 1), (2 * THIRD, 1 + 2 * THIRD), (0, 1)),
        ((0, 1), (THIRD, 2 * THIRD, 1 + THIRD, 1 + 2 * THIRD), ()),
        ((0,), SIXTHS, (0, 1)),
    ),
    4: (
        ((0, 2), (1, 3), TWELFTHS),
        ((0, 2, 2 + 2 * THIRD), (1, 3), TWELFTHS),
        ((0, 1 + 2 * THIRD, 2), (1, 3), TWELFTHS),
        ((0, 2 * THIRD, 2), (1, 3, 3 + 2 * THIRD), TWELFTHS),
        ((0,), (2,), TWELFTHS),
    ),
}


def add_drums(music: Music, rng: Rng, *, ternary: bool = False, plain: bool = False) -> None:
    """Put drums to music: a pattern of its meter, with now and then a stroke left out and a cymbal.

    In 4/4 that is a style's, which varies, or a `plain` one, which comes again in every bar.
    """
    if music.beats_per_bar == 4 and not ternary and not plain:
        add_style(music, str(rng.choice([s for s in styles.STYLES if s not in NOT_IN_FOUR])), rng)
        return
    patterns = (TERNARY if ternary else BINARY)[music.beats_per_bar]
    kick, snare, hat = patterns[int(rng.integers(len(patterns)))]
    snare_key, hat_key = int(rng.choice(SNARES)), int(rng.choice(HATS))
    loud, hat_loud = rng.uniform(65, 115), rng.uniform(35, 95)
    for bar in range(0, music.n_beats, music.beats_per_bar):
        for places, key, level in ((kick, 36, loud), (snare, snare_key, loud), (hat, hat_key, hat_loud)):
            for at in places:
                if rng.random() > 0.03:
                    music.add(DRUMS, key, level * (1.0 if at == int(at) else 0.85), bar + at, 0.1)
        if rng.random() < 0.06:
            music.add(DRUMS, 49, loud, bar, 1.0)


def add_style(music: Music, style: str, rng: Rng) -> None:
    """Draw bars of four from a style's chances; most bars repeat the last, as drummers and loops do."""
    pattern = styles.find(style)
    keys = list(KEYS)
    keys[1], keys[2] = int(rng.choice(SNARES)), int(rng.choice(HATS))
    loud = rng.uniform(65, 115, size=len(keys)) * np.where(
        np.isin(np.arange(len(keys)), [2, 3, 8]), 0.75, 1.0
    )
    bar = rng.random(pattern.chances.shape) < pattern.chances
    repeats = rng.uniform(0.3, 0.95)
    for first in range(0, music.n_beats, 4):
        if rng.random() > repeats:
            bar = rng.random(pattern.chances.shape) < pattern.chances
        for step, drum in zip(*np.nonzero(bar), strict=True):
            late = pattern.swing / 6 * (step % 4 == 2 if pattern.eighths else 0.5 * (step % 2))
            accent = 1.0 if step % 4 == 0 else 0.88
            music.add(DRUMS, keys[drum], loud[drum] * accent, first + step / 4 + late, 0.1)
