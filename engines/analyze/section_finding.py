"""Where a song's sections begin, and which of them are the same music again.

A recording is cut into cells, its bars. Three pictures of how alike any two cells are say where sections
begin: timbre and harmony of neighbours (a section sounds the same throughout, its chords come round after
four or eight bars) and, of each cell, where else in the recording its music comes again (structure features:
J. Serra, M. Mueller, P. Grosche, J. Arcos, "Unsupervised Music Structure Annotation by Time Series Structure
Features and Segment Similarity", IEEE Trans. Multimedia 16(5), 2014). The best cut into blocks is found by
dynamic programming (A. Marmoret, J. Cohen, F. Bimbot, "Barwise Music Structure Analysis with the Correlation
Block-Matching Segmentation Algorithm", TISMIR 6(1), 2023). Blocks that go the same way, in the same key or
another, are one label; a block beside another of its label is one section with it.
"""

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from engines._audio import FloatArray
from engines.analyze import bands as band
from engines.analyze import pitches as pitch
from engines.analyze.segments import Segment, joined

Cells = npt.NDArray[np.intp]

# Chosen on 80 songs that `training.songs` rendered; bench/songs.py reports others.
TIMBRE, HARMONY, RETURN = 0.65, 0.45, 0.9  # weights of the three pictures where blocks are cut
TIMBRE_LAGS = (1, 2, 3, 4, 5, 6, 7, 8)  # cells apart
HARMONY_LAGS = (4, 8)
RETURN_LAGS = (1, 2, 3, 4)
RETURN_WINDOW = 4  # cells that must go the same way in a row
RETURN_FLOOR = 0.3  # likeness below which nothing returns
SECTION_COST = 0.8  # of a block; likeness summed over a block's cells pays for it
# Of a length in bars that is no multiple of two; half for two, a quarter for four, none for eight.
ODD_COST = 0.5
SAME = 0.55  # likeness above which two blocks are one label
SAME_TIMBRE = 0.15  # share of timbre in that
TRANSPOSED = 0.9  # of a likeness that only holds in another key
TRANSPOSITIONS = (-5, -3, -2, -1, 1, 2, 3, 5)
SHORTEST, LONGEST = 3, 40  # cells of a block
# Cells that differ by less than these shares of their power are the same again: a metronome, a held chord, a
# loop over and over have up to 0.002 and 0.014, the least of songs with a form 0.005 and 0.011.
UNCHANGING, UNCHANGING_CHROMA = 0.003, 0.02
FEWEST_CELLS = 8  # fewer are a loop, not a form
MOST_CELLS = 1024  # longer recordings have longer cells: the pictures grow with the square
CELL_S = 2.0  # where there are no bars
PARTS = 4  # of a cell, each heard by itself


def find_sections(
    heard: pitch.Pitches, bands: FloatArray, downbeats: FloatArray, duration: float
) -> list[Segment]:
    """Find the sections of a recording; they follow each other without gaps from 0 to its end.

    Parameters
    ----------
    heard
        What sounds.
    bands
        The spectrum, shape (n_frames, N_BANDS).
    downbeats
        In seconds; sections begin there. With fewer than four, every 2 s.
    duration
        Length of the recording in seconds.

    Returns
    -------
    list of Segment
        Labelled A, B, ... in the order they first come; neighbours differ. A loop is one section, and so is
        what sounds the same throughout; silence has none.
    """
    if len(bands) == 0 or not bands.any():
        return []
    edges, bars = cell_edges(downbeats, duration)
    if len(edges) <= FEWEST_CELLS:
        return [Segment(0.0, duration, "A")]
    chroma = _unit(_cells(pitch.chroma(heard), pitch.FRAME_RATE, edges))
    levels = _cells(bands, band.FRAME_RATE, edges)
    loudness = np.log1p(1000 * levels / (np.percentile(levels, 95) + 1e-9))
    if _spread(loudness) < UNCHANGING and _spread(chroma) < UNCHANGING_CHROMA:
        return [Segment(0.0, duration, "A")]
    timbre, harmony = _likeness(loudness), _likeness(chroma)
    blocks = cut(timbre, harmony, bars)
    labels = _joined(_block_likeness(chroma, harmony, timbre, blocks), np.diff(blocks))
    names = {label: letters(i) for i, label in enumerate(dict.fromkeys(labels))}
    return [Segment(*run) for run in joined(edges[blocks], [names[label] for label in labels])]


def letters(i: int) -> str:
    """Return the label of number `i`: A to Z, AA, AB, ..."""
    return (letters(i // 26 - 1) if i >= 26 else "") + chr(ord("A") + i % 26)


def cell_edges(downbeats: FloatArray, duration: float) -> tuple[FloatArray, int]:
    """Cut a recording into cells: their edges in seconds from 0 to its end, and how many bars one is."""
    if len(downbeats) >= 4:
        bar = float(np.median(np.diff(downbeats)))
        before = np.arange(downbeats[0] - bar, 0, -bar)[::-1]
        after = np.arange(downbeats[-1] + bar, duration, bar)
        inside = np.concatenate([before, downbeats, after])
    else:
        bar = CELL_S
        inside = np.arange(0, duration, bar)
    inside = inside[(inside > bar / 2) & (inside < duration - bar / 2)]
    bars = 1
    while len(inside) // bars >= MOST_CELLS:
        bars *= 2
    return np.concatenate([[0.0], inside[bars - 1 :: bars], [duration]]), bars


def _cells(x: FloatArray, rate: float, edges: FloatArray) -> FloatArray:
    """Average rows at `rate` a second over the parts of each cell; shape (n_cells, PARTS, width)."""
    steps = np.arange(PARTS) / PARTS
    times = edges[:-1, None] + np.diff(edges)[:, None] * steps
    starts = np.minimum(np.round(times.ravel() * rate).astype(int), len(x) - 1)
    counts = np.maximum(1, np.diff(np.append(starts, len(x))))
    # Sums part by part: a running sum over hours would be a second copy of them.
    means: FloatArray = np.add.reduceat(x, starts, axis=0) / counts[:, None]
    return means.reshape(len(edges) - 1, PARTS, x.shape[1])


def _spread(cells: FloatArray) -> float:
    """Return what share of cells' power is in what tells them from each other; but for both ends."""
    x = cells[1:-1]
    power = float((x**2).sum()) / len(x)
    return 1 - float((x.mean(axis=0) ** 2).sum()) / max(power, 1e-9)


def _unit(x: FloatArray) -> FloatArray:
    result: FloatArray = x / (np.linalg.norm(x, axis=-1, keepdims=True) + 1e-9)
    return result


def _rows(x: FloatArray) -> FloatArray:
    """Flatten cells to rows of length 1, what they all share taken off."""
    return _unit((x - x.mean(axis=0)).reshape(len(x), -1)).astype(np.float32)


def _likeness(x: FloatArray) -> FloatArray:
    rows = _rows(x)
    result: FloatArray = rows @ rows.T
    return result


def _by_lag(likeness: FloatArray) -> FloatArray:
    """Shear a matrix [i, j] to [i, n - 1 + j - i], shape (n, 2 n - 1): its diagonals become columns."""
    n = len(likeness)
    sheared = np.zeros(n * (2 * n - 1), np.float32)
    sheared[n - 1 : n - 1 + n * (2 * n - 2)].reshape(n, 2 * n - 2)[:, :n] = likeness
    return sheared.reshape(n, 2 * n - 1)


def _running(by_lag: FloatArray) -> FloatArray:
    """Sum down each column; one row more, which begins with zeros."""
    return np.concatenate([np.zeros((1, by_lag.shape[1])), np.cumsum(by_lag, axis=0, dtype=np.float64)])


def _returns(harmony: FloatArray) -> FloatArray:
    """How alike two cells are in where else their music comes."""
    lasting = scipy.ndimage.uniform_filter1d(_by_lag(harmony), RETURN_WINDOW, axis=0, mode="constant")
    where = scipy.ndimage.gaussian_filter1d(np.maximum(0, lasting - RETURN_FLOOR), 1.0, axis=0)
    rows = _unit(where)
    result: FloatArray = rows @ rows.T
    return result


def _inside(likeness: FloatArray, lags: tuple[int, ...]) -> FloatArray:
    """Return the mean likeness of cells `lags` apart in each block: [end, length], (n + 1, LONGEST + 1)."""
    n = len(likeness)
    running = _running(_by_lag(likeness))
    end, length = np.arange(n + 1)[:, None], np.arange(LONGEST + 1)
    total = np.zeros((n + 1, LONGEST + 1))
    for lag in lags:
        column = running[:, min(n - 1 + lag, 2 * n - 2)]
        first, last = np.maximum(0, end - length), np.maximum(0, end - lag)
        total += np.where(length > lag, column[last] - column[first], 0.0)
    pairs = sum(np.maximum(0, length - lag) for lag in lags)
    return total / np.maximum(1, pairs)


def cut(timbre: FloatArray, harmony: FloatArray, bars: int = 1) -> list[int]:
    """Cut cells into blocks: the first cell of each, then the number of cells.

    Takes two pictures of likeness, shape (n, n) each, and how many bars a cell is.
    """
    n = len(timbre)
    worth = (
        TIMBRE * _inside(timbre, TIMBRE_LAGS)
        + HARMONY * _inside(harmony, HARMONY_LAGS)
        + RETURN * _inside(_returns(harmony), RETURN_LAGS)
    ) * np.arange(LONGEST + 1)
    length = np.arange(LONGEST + 1) * bars
    odd = np.select([length % 8 == 0, length % 4 == 0, length % 2 == 0], [0.0, 0.25, 0.5], 1.0)
    cost = SECTION_COST + ODD_COST * odd
    best, back = np.full(n + 1, -np.inf), np.zeros(n + 1, int)
    best[0] = 0.0
    for end in range(1, n + 1):
        lengths = np.arange(min(SHORTEST, end), min(LONGEST, end) + 1)
        # A recording's first and last block may be cut anywhere.
        costs = np.where((lengths == end) | (end == n), SECTION_COST, cost[lengths])
        value = best[end - lengths] + worth[end, lengths] - costs
        best[end], back[end] = value.max(), end - lengths[value.argmax()]
    blocks = [n]
    while blocks[-1] > 0:
        blocks.append(int(back[blocks[-1]]))
    return blocks[::-1]


def _block_likeness(
    chroma: FloatArray, harmony: FloatArray, timbre: FloatArray, blocks: list[int]
) -> FloatArray:
    """How alike any two blocks are where they fit best, in the same or another key; shape (m, m)."""
    found: FloatArray = _aligned((1 - SAME_TIMBRE) * harmony + SAME_TIMBRE * timbre, blocks)
    rows = _rows(chroma)
    for steps in TRANSPOSITIONS:
        moved = rows @ _rows(np.roll(chroma, steps, axis=2)).T
        there = _aligned((1 - SAME_TIMBRE) * moved + SAME_TIMBRE * timbre, blocks)
        np.maximum(found, TRANSPOSED * there, out=found)
    return found


def _aligned(likeness: FloatArray, blocks: list[int]) -> FloatArray:
    """Return how alike two blocks are along the best diagonal: the shorter anywhere in the longer."""
    n, first, size = len(likeness), np.array(blocks[:-1]), np.diff(blocks)
    running = _running(_by_lag(likeness))
    row, column = first[:, None], first[None, :]
    tall, wide = size[:, None], size[None, :]
    best: FloatArray = np.full((len(first), len(first)), -1.0)
    for offset in range(-1, int(np.ptp(size)) + 2):
        # Reaching one cell beyond the longer at either end; pairs the other way round are the transpose.
        start = np.maximum(0, -offset)
        length = np.minimum(tall, wide - offset) - start
        fits = (wide >= tall) & (offset <= wide - tall + 1) & (2 * length >= tall) & (length > 0)
        lag = np.clip(n - 1 + column + offset - row, 0, 2 * n - 2)
        top = np.clip(row + start, 0, n)
        mean = (running[np.clip(top + length, 0, n), lag] - running[top, lag]) / np.maximum(1, length)
        best = np.where(fits, np.maximum(best, mean), best)
    result: FloatArray = np.maximum(best, best.T)
    return result


def _joined(likeness: FloatArray, sizes: Cells) -> list[int]:
    """Join the two groups that are most alike, by the mean over their cells, while any are alike enough."""
    alike = likeness.copy()
    np.fill_diagonal(alike, -np.inf)
    weight = sizes.astype(np.float64).copy()
    label = np.arange(len(sizes))
    while len(sizes) > 1:
        i, j = sorted(divmod(int(alike.argmax()), len(sizes)))
        if alike[i, j] < SAME:
            break
        row = (weight[i] * alike[i] + weight[j] * alike[j]) / (weight[i] + weight[j])
        alike[i, :] = alike[:, i] = row
        alike[i, i] = -np.inf
        alike[j, :] = alike[:, j] = -np.inf
        weight[i] += weight[j]
        label[label == j] = i
    return [int(i) for i in label]
