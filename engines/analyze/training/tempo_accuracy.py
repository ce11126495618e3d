"""Whether a tempo is right, as the field counts it.

References
----------
F. Gouyon et al., "An experimental comparison of audio tempo induction algorithms", IEEE TASLP 14(5), 2006:
Accuracy 1 and Accuracy 2.
"""

TOLERANCE = 0.04
LEVELS = (1, 2, 3, 1 / 2, 1 / 3)  # of the pulse that a listener may be counting instead


def accuracy_1(tempo: float, truth: float) -> bool:
    """Tell whether a tempo is within 4 % of the truth."""
    return abs(tempo / truth - 1) <= TOLERANCE


def accuracy_2(tempo: float, truth: float) -> bool:
    """Tell whether a tempo is within 4 % of the truth, or of the double, triple, half or third of it."""
    return any(accuracy_1(tempo, truth * level) for level in LEVELS)
