"""Magenta's recurrent networks in NumPy: stacks of LSTM cells, with or without attention, a batch at a time.

Conventions: float32 throughout, shapes (batch, features). The weights are the variables of a Magenta
checkpoint under their own names; `Network` finds the topology from them, in the names TensorFlow has used
since 1.2, in those of 1.0, and in those of 2016. A gate block is TensorFlow's `BasicLSTMCell`: input, new,
forget, output, with a forget bias of 1.

References
----------
S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", 1997; D. Bahdanau et al.,
arXiv:1409.0473, for the attention; `magenta/contrib/rnn.py` and
`tensorflow/python/keras/layers/legacy_rnn/rnn_cell_impl.py` for what is computed exactly.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
State = tuple[FloatArray, ...]
_HALF: Final = np.float32(0.5)

# The same variables under the names of TensorFlow 0.x (2016), 1.0 and 1.2 onwards; rewritten to the last.
_RENAMES: Final = (
    (r"^RNN/", "rnn/"),
    (r"MultiRNNCell/Cell(\d+)", r"multi_rnn_cell/cell_\1"),
    (r"AttentionCellWrapper", "attention_cell_wrapper"),
    (r"BasicLSTMCell", "basic_lstm_cell"),
    (r"AttnOutputProjection", "attn_output_projection"),
    (r"Attention/AttnW", "attention/attn_w"),
    (r"Attention/AttnV", "attention/attn_v"),
    (r"Attention/", "attention/"),
    (r"/[Ll]inear/(Matrix|weights)$", "/kernel"),
    (r"/[Ll]inear/(Bias|biases)$", "/bias"),
    (r"^(rnn/.*)/(Matrix|weights)$", r"\1/kernel"),
    (r"^(rnn/.*)/(Bias|biases)$", r"\1/bias"),
)
_OPTIMISER: Final = re.compile(r"Adam|beta\d_power|global_step|/Adagrad|Momentum")


class UnknownTopologyError(ValueError):
    """Weights that are none of the networks this module computes."""


@dataclass(frozen=True)
class Lstm:
    """One LSTM layer.

    Attributes
    ----------
    kernel
        Shape (n_in + n, 4 n), gates in TensorFlow's order; rows of the input first, then of the last output.
    bias
        Shape (4 n,).
    """

    kernel: FloatArray
    bias: FloatArray
    _inputs: FloatArray = field(init=False, repr=False)
    _recurrent: FloatArray = field(init=False, repr=False)
    _bias: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # sigmoid(x) = tanh(x / 2) / 2 + 1 / 2, so that one tanh serves all four gates; the three that are
        # sigmoids stand together, so that one multiplication and one addition do.
        n = self.size
        order = np.concatenate([np.arange(n), np.arange(2 * n, 4 * n), np.arange(n, 2 * n)])
        scale = np.repeat(np.array([0.5, 0.5, 0.5, 1.0], np.float32), n)
        forget = np.repeat(np.array([0.0, 1.0, 0.0, 0.0], np.float32), n)
        kernel = np.ascontiguousarray(self.kernel[:, order] * scale)
        object.__setattr__(self, "_inputs", kernel[: self.n_in])
        object.__setattr__(self, "_recurrent", kernel[self.n_in :])
        object.__setattr__(self, "_bias", (self.bias[order] + forget) * scale)

    @property
    def size(self) -> int:
        """Units."""
        return int(self.kernel.shape[1]) // 4

    @property
    def n_in(self) -> int:
        """Inputs."""
        return int(self.kernel.shape[0]) - self.size

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays that are kept beside the trained ones."""
        return int(self._inputs.nbytes + self._recurrent.nbytes + self._bias.nbytes)

    def project(self, x: FloatArray) -> FloatArray:
        """Return what inputs add to the gates, bias included, for any leading shape.

        It does not depend on the state.
        """
        product: FloatArray = x @ self._inputs
        product += self._bias
        return product

    def rows(self) -> FloatArray:
        """Return the gate rows of the inputs, shape (n_in, 4 n).

        One-hot inputs are looked up rather than multiplied.
        """
        return self._inputs

    def offset(self) -> FloatArray:
        """Return what is added to the gates whatever the inputs, shape (4 n,)."""
        return self._bias

    def step(self, projected: FloatArray, c: FloatArray, h: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Advance one step from projected inputs, shape (batch, 4 n); returns the new cell and output."""
        n = h.shape[1]
        gates: FloatArray = h @ self._recurrent
        gates += projected
        np.tanh(gates, out=gates)
        sigmoids = gates[:, : 3 * n]
        sigmoids *= _HALF
        sigmoids += _HALF
        cell: FloatArray = c * sigmoids[:, n : 2 * n]
        cell += sigmoids[:, :n] * gates[:, 3 * n :]
        output: FloatArray = np.tanh(cell)
        output *= sigmoids[:, 2 * n :]
        return cell, output


@dataclass(frozen=True)
class Attention:
    """Magenta's `AttentionCellWrapper` around some LSTM layers.

    Attributes
    ----------
    cells
        The layers inside, first to last.
    inputs, query, output
        (kernel, bias) of the three linear maps: input with last attention, query from the cells' state,
        output.
    w, v
        The score's weights: shape (n, n) and (n,).
    length
        How many steps are attended to.
    """

    cells: tuple[Lstm, ...]
    inputs: tuple[FloatArray, FloatArray]
    query: tuple[FloatArray, FloatArray]
    output: tuple[FloatArray, FloatArray]
    w: FloatArray
    v: FloatArray
    length: int

    @property
    def size(self) -> int:
        """Outputs."""
        return int(self.output[0].shape[1])

    @property
    def n_in(self) -> int:
        """Inputs."""
        return int(self.inputs[0].shape[0] - self.w.shape[1])

    def project(self, x: FloatArray) -> FloatArray:
        """Return the part of the input map that does not depend on the last attention."""
        projected: FloatArray = x @ self.inputs[0][: self.n_in] + self.inputs[1]
        return projected

    def rows(self) -> FloatArray:
        """Return the input map's rows, for inputs that are looked up."""
        return self.inputs[0][: self.n_in]

    def offset(self) -> FloatArray:
        """Return what the input map adds whatever the inputs."""
        return self.inputs[1]

    def zero(self, batch: int) -> State:
        """Return the state before the first step: cells, last attention, memory and its features."""
        cells = tuple(np.zeros((batch, cell.size), np.float32) for cell in self.cells for _ in range(2))
        memory = np.zeros((batch, self.length, self.size), np.float32)
        return (*cells, np.zeros((batch, self.size), np.float32), memory, memory)

    def step(self, projected: FloatArray, state: State) -> tuple[FloatArray, State]:
        """Advance one step; the output is what the next layer reads."""
        *cells, attended, memory, features = state
        x = projected + attended @ self.inputs[0][self.n_in :]
        advanced: list[FloatArray] = []
        for i, cell in enumerate(self.cells):
            c, x = cell.step(cell.project(x), cells[2 * i], cells[2 * i + 1])
            advanced += [c, x]
        query = np.concatenate(advanced, axis=1) @ self.query[0] + self.query[1]
        scores = np.tanh(features + query[:, None, :]) @ self.v
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        attended = np.einsum("bl,bln->bn", weights, memory)
        output = np.concatenate([x, attended], axis=1) @ self.output[0] + self.output[1]
        memory = np.concatenate([memory[:, 1:], output[:, None]], axis=1)
        features = np.concatenate([features[:, 1:], (output @ self.w)[:, None]], axis=1)
        return output, (*advanced, attended, memory, features)


class Network:
    """A stack of layers and the linear map to logits.

    Parameters
    ----------
    variables
        Name to array, as a checkpoint holds them; the optimiser's own are ignored.
    attention_length
        Steps an attention layer looks back; no variable tells it.

    Raises
    ------
    UnknownTopologyError
        If the variables are not such a stack, or their shapes do not fit each other.
    """

    def __init__(self, variables: Mapping[str, npt.NDArray[np.generic]], attention_length: int = 0) -> None:
        v = {
            _renamed(name): np.asarray(a, np.float32)
            for name, a in variables.items()
            if not _OPTIMISER.search(name)
        }
        try:
            self.layers = _layers(v, attention_length)
            self.out_kernel, self.out_bias = v["fully_connected/weights"], v["fully_connected/biases"]
        except KeyError as error:
            raise UnknownTopologyError(f"a checkpoint without the variable {error}") from error
        self._check(len(v))

    @property
    def n_in(self) -> int:
        """Inputs of the first layer."""
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        """Logits."""
        return int(self.out_kernel.shape[1])

    @property
    def parameters(self) -> int:
        """Count every trained number."""
        total = self.out_kernel.size + self.out_bias.size
        for layer in self.layers:
            for cell in layer.cells if isinstance(layer, Attention) else (layer,):
                total += cell.kernel.size + cell.bias.size
            if isinstance(layer, Attention):
                total += layer.w.size + layer.v.size
                total += sum(part.size for pair in (layer.inputs, layer.query, layer.output) for part in pair)
        return int(total)

    @property
    def nbytes(self) -> int:
        """Bytes in memory: what was trained, and the same as it is computed with."""
        cells = [
            c for layer in self.layers for c in (layer.cells if isinstance(layer, Attention) else (layer,))
        ]
        return 4 * self.parameters + sum(cell.nbytes for cell in cells)

    def zero(self, batch: int) -> tuple[State, ...]:
        """Return the state before the first step, of every layer."""
        return tuple(
            layer.zero(batch)
            if isinstance(layer, Attention)
            else (np.zeros((batch, layer.size), np.float32), np.zeros((batch, layer.size), np.float32))
            for layer in self.layers
        )

    def project(self, x: FloatArray) -> FloatArray:
        """Return the first layer's gates from inputs of shape (..., n_in); see `Lstm.project`."""
        return self.layers[0].project(x)

    def project_known(self, x: FloatArray) -> FloatArray:
        """Return the same for inputs of shape (n_steps, n_in) of which most columns are zero throughout."""
        used = np.flatnonzero(x.any(axis=0))
        rows = np.ascontiguousarray(self.layers[0].rows()[used])
        product: FloatArray = x[:, used] @ rows
        product += self.layers[0].offset()
        return product

    def step(self, projected: FloatArray, state: tuple[State, ...]) -> tuple[FloatArray, tuple[State, ...]]:
        """Advance every layer by one step.

        Parameters
        ----------
        projected
            Shape (batch, width of the first layer's gates), from `project` or gathered rows.
        state
            From `zero` or the last step.

        Returns
        -------
        tuple
            Logits of shape (batch, n_out), and the new state.
        """
        advanced: list[State] = []
        x = projected
        for i, (layer, before) in enumerate(zip(self.layers, state, strict=True)):
            gates = x if i == 0 else layer.project(x)
            if isinstance(layer, Attention):
                x, after = layer.step(gates, before)
            else:
                c, x = layer.step(gates, before[0], before[1])
                after = (c, x)
            advanced.append(after)
        return x @ self.out_kernel + self.out_bias, tuple(advanced)

    def _check(self, n_variables: int) -> None:
        used = 2
        width = self.n_in
        for layer in self.layers:
            if layer.n_in != width or layer.n_in <= 0:
                raise UnknownTopologyError(f"a layer of {layer.n_in} inputs after one of {width} outputs")
            used += 2 if isinstance(layer, Lstm) else 8 + 2 * len(layer.cells)
            width = layer.size
        if self.out_kernel.shape != (width, len(self.out_bias)):
            raise UnknownTopologyError(
                f"an output map of shape {self.out_kernel.shape} after {width} outputs"
            )
        if used != n_variables:
            raise UnknownTopologyError(f"{n_variables} variables, of which only {used} belong to LSTM layers")


def _renamed(name: str) -> str:
    for old, new in _RENAMES:
        name = re.sub(old, new, name)
    return name


def _layers(v: Mapping[str, FloatArray], attention_length: int) -> tuple[Lstm | Attention, ...]:
    around_all = "rnn/attention_cell_wrapper/"
    if around_all + "attention/attn_v" in v:
        cells = _stack(v, around_all + "multi_rnn_cell/") or (_lstm(v, around_all + "basic_lstm_cell"),)
        return (_attention(v, around_all, cells, attention_length),)
    layers: list[Lstm | Attention] = []
    while True:
        prefix = f"rnn/multi_rnn_cell/cell_{len(layers)}/"
        wrapper = prefix + "attention_cell_wrapper/"
        if wrapper + "attention/attn_v" in v:
            layers.append(_attention(v, wrapper, (_lstm(v, wrapper + "basic_lstm_cell"),), attention_length))
        elif prefix + "basic_lstm_cell/kernel" in v:
            layers.append(_lstm(v, prefix + "basic_lstm_cell"))
        else:
            break
    if not layers:
        raise KeyError("rnn/multi_rnn_cell/cell_0/basic_lstm_cell/kernel")
    return tuple(layers)


def _stack(v: Mapping[str, FloatArray], prefix: str) -> tuple[Lstm, ...]:
    cells: list[Lstm] = []
    while f"{prefix}cell_{len(cells)}/basic_lstm_cell/kernel" in v:
        cells.append(_lstm(v, f"{prefix}cell_{len(cells)}/basic_lstm_cell"))
    return tuple(cells)


def _lstm(v: Mapping[str, FloatArray], prefix: str) -> Lstm:
    kernel, bias = v[prefix + "/kernel"], v[prefix + "/bias"]
    if kernel.ndim != 2 or kernel.shape[1] % 4 or bias.shape != (kernel.shape[1],):
        raise UnknownTopologyError(f"{prefix}: shapes {kernel.shape} and {bias.shape} are no LSTM")
    if kernel.shape[0] <= kernel.shape[1] // 4:
        raise UnknownTopologyError(f"{prefix}: shape {kernel.shape} leaves no room for inputs")
    return Lstm(kernel, bias)


def _attention(v: Mapping[str, FloatArray], prefix: str, cells: tuple[Lstm, ...], length: int) -> Attention:
    if not 1 <= length <= 1024:
        raise UnknownTopologyError(f"an attention of {length} steps; must be from 1 to 1024")
    w = v[prefix + "attention/attn_w"]
    attention = Attention(
        cells,
        (v[prefix + "kernel"], v[prefix + "bias"]),
        (v[prefix + "attention/kernel"], v[prefix + "attention/bias"]),
        (v[prefix + "attn_output_projection/kernel"], v[prefix + "attn_output_projection/bias"]),
        w.reshape(w.shape[-2:]),
        v[prefix + "attention/attn_v"],
        length,
    )
    n, states = attention.size, sum(2 * cell.size for cell in cells)
    width = cells[0].n_in
    shapes = {
        "inputs": (attention.inputs[0].shape, (attention.n_in + n, width)),
        "query": (attention.query[0].shape, (states, n)),
        "output": (attention.output[0].shape, (cells[-1].size + n, n)),
        "w": (attention.w.shape, (n, n)),
        "v": (attention.v.shape, (n,)),
    }
    for part, (found, wanted) in shapes.items():
        if found != wanted:
            raise UnknownTopologyError(f"{prefix}{part}: shape {found}, must be {wanted}")
    return attention
