"""Whether confidences mean what they say: of all that was said with 0.8, eight tenths should be right."""

from collections.abc import Sequence

import numpy as np

EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def table(title: str, claims: Sequence[tuple[float, bool]]) -> None:
    """Print a reliability table of (confidence, whether it was right), and the expected calibration error.

    References
    ----------
    M. P. Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015: the
    error is the mean distance between a bin's confidence and its share of right ones, weighted by its size.
    """
    if not claims:
        return
    said = np.array([confidence for confidence, _ in claims])
    right = np.array([hit for _, hit in claims], float)
    place = np.clip(np.searchsorted(EDGES, said, side="right") - 1, 0, len(EDGES) - 2)
    print(f"\n### {title} ({len(claims)})")
    print("| said | number | mean said | right |")
    print("|---|---|---|---|")
    error = 0.0
    for b in range(len(EDGES) - 1):
        inside = place == b
        if inside.any():
            mean, share = float(said[inside].mean()), float(right[inside].mean())
            error += inside.mean() * abs(mean - share)
            print(f"| {EDGES[b]:.1f} to {EDGES[b + 1]:.1f} | {inside.sum()} | {mean:.2f} | {share:.2f} |")
    print(f"expected calibration error {error:.3f}")
