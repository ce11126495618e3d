"""What the small networks of several engines share: convolutions over time."""

import numpy as np

from engines._audio import FloatArray


def dilated(x: FloatArray, kernel: FloatArray, dilation: int) -> FloatArray:
    """Convolve (n, in) with a kernel of three frames, (3, in, out), `dilation` apart, zeros around."""
    n = len(x)
    wide = np.pad(x, ((dilation, dilation), (0, 0)))
    result: FloatArray = sum(wide[i * dilation : i * dilation + n] @ kernel[i] for i in range(3))
    return result
