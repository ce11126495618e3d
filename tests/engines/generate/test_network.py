"""Networks in NumPy: the textbook's cell, whatever names the variables have, alone or in a batch."""

import numpy as np
import numpy.typing as npt
import pytest

from engines.generate.network import Network, UnknownTopologyError
from tests import bundles

F = npt.NDArray[np.float32]


def sigmoid(x: F) -> F:
    return np.asarray(1 / (1 + np.exp(-x)), np.float32)


def textbook(arrays: dict[str, F], x: F) -> F:
    """Two LSTM layers and a linear map, written as the formulas stand; x is (n_steps, n_in)."""
    layers = [arrays[f"rnn/multi_rnn_cell/cell_{i}/basic_lstm_cell/kernel"] for i in (0, 1)]
    biases = [arrays[f"rnn/multi_rnn_cell/cell_{i}/basic_lstm_cell/bias"] for i in (0, 1)]
    state = [[np.zeros(k.shape[1] // 4), np.zeros(k.shape[1] // 4)] for k in layers]
    out = []
    for row in x:
        y = row
        for i, (kernel, bias) in enumerate(zip(layers, biases, strict=True)):
            c, h = state[i]
            g = np.concatenate([y, h]) @ kernel + bias
            n = len(c)
            c = c * sigmoid(g[2 * n : 3 * n] + 1) + sigmoid(g[:n]) * np.tanh(g[n : 2 * n])
            y = np.tanh(c) * sigmoid(g[3 * n :])
            state[i] = [c, y]
        out.append(y @ arrays["fully_connected/weights"] + arrays["fully_connected/biases"])
    return np.array(out)


def run(network: Network, x: F) -> F:
    """Logits of (batch, n_steps, n_in), shape (batch, n_steps, n_out)."""
    state = network.zero(len(x))
    out = []
    for t in range(x.shape[1]):
        logits, state = network.step(network.project(x[:, t]), state)
        out.append(logits)
    return np.stack(out, axis=1)


ARRAYS = bundles.lstm_stack(7, (5, 6), 4)
X = np.random.default_rng(1).normal(size=(3, 20, 7)).astype(np.float32)


def test_it_computes_what_the_textbook_says() -> None:
    assert np.allclose(run(Network(ARRAYS), X)[1], textbook(ARRAYS, X[1]), atol=1e-5)


def test_one_alone_is_the_same_as_one_among_others() -> None:
    network = Network(ARRAYS)
    assert np.allclose(run(network, X)[2], run(network, X[2:])[0], atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "kernel", "bias"),
    [
        ("RNN/MultiRNNCell/Cell{}/BasicLSTMCell/Linear/", "Matrix", "Bias"),  # TensorFlow 0.x
        ("rnn/multi_rnn_cell/cell_{}/basic_lstm_cell/", "weights", "biases"),  # 1.0 and 1.1
    ],
)
def test_old_names_of_variables_are_understood(layer: str, kernel: str, bias: str) -> None:
    new = "rnn/multi_rnn_cell/cell_{}/basic_lstm_cell/"
    old = {
        name.replace(new.format(i), layer.format(i))
        .replace("/kernel", "/" + kernel)
        .replace("/bias", "/" + bias): a
        for i in (0, 1)
        for name, a in ARRAYS.items()
        if f"cell_{i}/" in name
    } | {name: a for name, a in ARRAYS.items() if name.startswith("fully")}
    assert np.array_equal(run(Network(old), X), run(Network(ARRAYS), X))


def test_what_the_optimiser_left_is_ignored() -> None:
    extra = {"rnn/multi_rnn_cell/cell_0/basic_lstm_cell/kernel/Adam": X[0], "beta1_power": X[0, 0, :1]}
    assert Network({**ARRAYS, **extra}).parameters == sum(a.size for a in ARRAYS.values())


@pytest.mark.parametrize(
    "missing", ["fully_connected/weights", "rnn/multi_rnn_cell/cell_0/basic_lstm_cell/kernel"]
)
def test_a_variable_that_is_missing_is_named(missing: str) -> None:
    with pytest.raises(UnknownTopologyError, match=r"fully_connected|cell_0|belong"):
        Network({name: array for name, array in ARRAYS.items() if name != missing})


def test_shapes_that_do_not_fit_are_refused() -> None:
    name = "rnn/multi_rnn_cell/cell_1/basic_lstm_cell/kernel"
    with pytest.raises(UnknownTopologyError):
        Network({**ARRAYS, name: ARRAYS[name][1:]})


def test_variables_of_no_known_layer_are_refused() -> None:
    with pytest.raises(UnknownTopologyError, match="belong"):
        Network({**ARRAYS, "encoder/dense/kernel": ARRAYS["fully_connected/weights"]})
