"""MusicVAE and GrooVAE: checkpoints of Magenta's autoencoders, played by Magenta's own code.

Their graphs are built by Magenta from its configuration of that name; of the file only numbers are read. A
model is built for one request: that takes less than a second, lets TensorFlow's random numbers follow the
seed, and leaves nothing in memory.

References
----------
A. Roberts et al., "A Hierarchical Latent Vector Model for Learning Long-Term Structure in Music", ICML 2018;
J. Gillick et al., "Learning to Groove with Inverse Sequence Transformations", ICML 2019.
"""

import base64
import functools
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engines._errors import UndecodableError
from engines._notes import Note, Part, Score, read, write
from engines._units import Progress
from engines.generate.request import TEMPO_RANGE, between
from engines.generate.result import Track
from engines.generate.theory import nearest
from engines.magenta import stock
from engines.magenta.checkpoint_tar import unpack
from engines.magenta.result import Decoded, Take

_QPM: Final = 120.0  # the tempo at which Magenta's converters write
_MAX_WINDOWS: Final = 64
_MAX_COUNT: Final = 16
_COLDEST: Final = 0.01


def sample(
    checkpoint: Path,
    configuration: str,
    *,
    count: int,
    tempo: float,
    temperature: float,
    seed: int | None,
    progress: Progress,
) -> Decoded:
    """Decode points drawn from the prior."""
    between("count", count, 1, _MAX_COUNT)
    chosen = _seed(seed)
    z = np.random.Generator(np.random.PCG64(chosen))
    with _loaded(checkpoint, configuration, count, chosen, progress) as model:
        drawn = z.standard_normal((count, model.z_size)).astype(np.float32)
        takes = [_take([sequence], model, tempo) for sequence in model.decode(drawn, temperature)]
        return model.answer(takes, tempo, chosen)


def interpolate(
    checkpoint: Path,
    configuration: str,
    path: Path,
    other: Path,
    *,
    count: int,
    tempo: float,
    temperature: float,
    seed: int | None,
    progress: Progress,
) -> Decoded:
    """Decode the points between two pieces, on the great circle through them."""
    between("count", count, 2, _MAX_COUNT)
    chosen = _seed(seed)
    with _loaded(checkpoint, configuration, count, chosen, progress) as model:
        ends = [
            model.encode(_windows(p, model, field)[0])[0] for field, p in (("path", path), ("other", other))
        ]
        points = np.array([_slerp(ends[0], ends[1], t) for t in np.linspace(0, 1, count)], np.float32)
        takes = [_take([sequence], model, tempo) for sequence in model.decode(points, temperature)]
        return model.answer(takes, tempo, chosen)


def groove(
    checkpoint: Path,
    configuration: str,
    path: Path,
    *,
    tempo: float | None,
    temperature: float,
    seed: int | None,
    progress: Progress,
) -> Decoded:
    """Send a piece through the model, window by window."""
    chosen = _seed(seed)
    score_tempo = read(path).tempo if tempo is None else tempo
    with _loaded(checkpoint, configuration, 1, chosen, progress) as model:
        played: list[Any] = []
        windows = _windows(path, model, "path")
        for number, window in enumerate(windows):
            progress(0.3 + 0.7 * number / len(windows), "play")
            if not window.notes:
                played.append(None)
            else:
                played.append(model.decode(model.encode(window), temperature)[0])
        return model.answer([_take(played, model, score_tempo)], score_tempo, chosen)


class _Model:
    """A loaded checkpoint, with what its configuration says of it."""

    def __init__(self, trained: Any, config: Any, name: str, sha256: str) -> None:
        self._trained, self._config = trained, config
        self.name, self.sha256 = name, sha256
        self.z_size: int = config.hparams.z_size
        self.steps: int = config.hparams.max_seq_len
        self.hears = (
            "drums" if "drums" in name or "groovae" in name else "a melody" if "mel" in name else "all"
        )

    @property
    def quarters(self) -> float:
        """Length of what it plays at once, in quarter notes of 4/4."""
        for word, bars in (("16bar", 16), ("4bar", 4), ("1bar", 1)):
            if word in self.name:
                return bars * 4.0
        return 8.0

    def encode(self, window: Any) -> npt.NDArray[np.float32]:
        """Return the point that a window stands for, shape (1, z_size)."""
        converter = self._trained._config.data_converter
        if hasattr(converter, "pitch_class_map"):  # GrooVAE's
            known = [note for note in window.notes if note.pitch in converter.pitch_class_map]
            del window.notes[:]
            window.notes.extend(known)
            # It cuts windows by the last note: one that ends in silence would be none. Padded below instead.
            converter._split_bars = None
        heard = converter.to_tensors(window)
        if len(heard.inputs) != 1:
            raise ValueError(
                f"path: {self.name} hears {len(heard.inputs)} phrases in a window; must be {self.hears} "
                f"in 4/4 that fills {self.quarters / 4:g} bars"
            )
        (rows,) = heard.inputs
        rows = np.pad(rows, [(0, max(0, self.steps - len(rows))), (0, 0)])
        lengths = [len(rows)] if hasattr(converter, "pitch_class_map") else [heard.lengths[0]]
        _, mu, _ = self._trained.encode_tensors([rows], lengths, [heard.controls[0]])
        return np.asarray(mu, np.float32)

    def decode(self, z: npt.NDArray[np.float32], temperature: float) -> list[Any]:
        return list(self._trained.decode(z, length=self.steps, temperature=max(temperature, _COLDEST)))

    def answer(self, takes: Sequence[Take], tempo: float, seed: int) -> Decoded:
        return Decoded("success", tuple(takes), tempo, seed, self.name, self.sha256)


@contextmanager
def _loaded(path: Path, name: str, batch: int, seed: int, progress: Progress) -> Iterator[_Model]:
    progress(0.0, "load")
    with stock.quiet(), tempfile.TemporaryDirectory(prefix="dawg-ai-") as folder:
        stock.without_data_sets()
        import tensorflow.compat.v1 as tf  # noqa: PLC0415
        from magenta.models.music_vae import MusicVAE, TrainedModel, configs  # noqa: PLC0415

        known = {key: config for key, config in configs.CONFIG_MAP.items() if _playable(config)}
        if name not in known:
            raise ValueError(f"configuration: {name[:64]!r}; {nearest(name, known)}")
        prefix, sha256 = unpack(path, Path(folder))

        class Seeded(MusicVAE):  # type: ignore[misc]  # untyped
            """The same model, whose graph draws by our seed."""

            def build(self, *args: Any, **kwargs: Any) -> None:
                tf.set_random_seed(seed % 2**31)
                super().build(*args, **kwargs)

        plain = known[name]
        config = plain.values() | {"model": Seeded(plain.model._encoder, plain.model._decoder)}
        try:
            with _in_order():
                trained = TrainedModel(configs.Config(**config), batch, str(prefix))
        except (tf.errors.OpError, ValueError) as error:
            said = str(error).splitlines()[0][:200]
            raise UndecodableError(f"checkpoint: does not fit {name} or is damaged ({said})") from error
        _same_shapes(prefix, trained._sess.graph, name)
        progress(0.3, "play")
        try:
            yield _Model(trained, plain, name, sha256)
        finally:
            trained._sess.close()


@contextmanager
def _in_order() -> Iterator[None]:
    """Build decoders whose loop takes one step after the other.

    They take 32 at once, and the draws of one may come before those of the one before: the same seed then
    gives other notes now and then (magenta 2.1.4, contrib/seq2seq.py, `parallel_iterations`).
    """
    from magenta.contrib import seq2seq  # noqa: PLC0415

    plain = seq2seq.dynamic_decode
    seq2seq.dynamic_decode = functools.partial(plain, parallel_iterations=1)
    try:
        yield
    finally:
        seq2seq.dynamic_decode = plain


def _same_shapes(prefix: Path, graph: Any, name: str) -> None:
    """Refuse numbers of another configuration, which TensorFlow restores whatever their shape."""
    import tensorflow.compat.v1 as tf  # noqa: PLC0415

    shapes = tf.train.load_checkpoint(str(prefix)).get_variable_to_shape_map()
    for variable in graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES):
        wanted, found = variable.shape.as_list(), shapes.get(variable.op.name)
        if found != wanted:
            raise UndecodableError(
                f"checkpoint: does not fit {name}: {variable.op.name} is {found}, not {wanted}"
            )


def _playable(config: Any) -> bool:
    """Whether a configuration needs nothing beside a point to play: no chords, no given hits."""
    return config.hparams.z_size > 0 and not config.data_converter.control_depth


def _seed(seed: int | None) -> int:
    return secrets.randbits(31) if seed is None else seed


def _slerp(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32], t: float) -> npt.NDArray[np.float64]:
    """Spherical linear interpolation, as `TrainedModel.interpolate` does it; straight where they coincide."""
    cosine = float(np.dot(a / np.linalg.norm(a), b / np.linalg.norm(b)))
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    if np.sin(angle) < 1e-6:
        return np.asarray((1 - t) * a + t * b, np.float64)
    return np.asarray((np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle), np.float64)


def _windows(path: Path, model: _Model, field: str) -> list[Any]:
    """Cut a file into what the model hears at once, as NoteSequences at Magenta's tempo."""
    from note_seq.protobuf import music_pb2  # noqa: PLC0415  loads pandas and bokeh

    score = read(path)
    parts = [
        p for p in score.parts if p.notes and (model.hears == "all" or p.drums == (model.hears == "drums"))
    ]
    if not parts:
        raise ValueError(f"{field}: the file has no notes that {model.name} hears; it hears {model.hears}")
    if model.hears == "a melody":
        parts = parts[:1]
    count = max(1, -int(-score.quarters // model.quarters))
    if count > _MAX_WINDOWS:
        raise ValueError(f"{field}: {score.quarters / 4:.0f} bars; must be at most {_MAX_WINDOWS * 2}")
    windows = []
    for number in range(count):
        sequence = music_pb2.NoteSequence(ticks_per_quarter=220)
        sequence.tempos.add(qpm=_QPM)
        sequence.time_signatures.add(numerator=4, denominator=4)
        first = number * model.quarters
        inside = [(p, n) for p in parts for n in p.notes if first <= n.start < first + model.quarters]
        for part, note in inside:
            sequence.notes.add(
                pitch=note.pitch,
                velocity=max(1, note.velocity),
                start_time=(note.start - first) * 60 / _QPM,
                end_time=min(note.end - first, model.quarters) * 60 / _QPM,
                is_drum=part.drums,
                program=0 if part.drums else part.program,
                instrument=9 if part.drums else parts.index(part),
            )
        sequence.total_time = model.quarters * 60 / _QPM
        windows.append(sequence)
    return windows


def _take(sequences: Sequence[Any], model: _Model, tempo: float) -> Take:
    """Join what was decoded, None for silence; nothing sounds before the first bar or after the last."""
    between("tempo", tempo, *TEMPO_RANGE, unit=" BPM")
    voices: dict[tuple[bool, int], list[Note]] = {}
    end = len(sequences) * model.quarters
    for number, sequence in enumerate(sequences):
        for n in () if sequence is None else sequence.notes:
            start = max(0.0, n.start_time * _QPM / 60 + number * model.quarters)
            stop = min(end, n.end_time * _QPM / 60 + number * model.quarters)
            if start < end and stop > start:
                note = Note(start, n.pitch, stop - start, max(1, min(127, n.velocity)))
                voices.setdefault((n.is_drum, 0 if n.is_drum else n.program), []).append(note)
    tracks = tuple(
        Track("drums" if drums else f"program {program}", program, drums, tuple(sorted(notes)))
        for (drums, program), notes in sorted(voices.items())
    )
    parts = tuple(Part(track.name, track.notes, track.program, track.drums) for track in tracks)
    score = Score(parts, ((0.0, tempo),), ((0.0, 4, 4),), end)
    return Take(base64.b64encode(write(score)).decode("ascii"), tracks, int(end / 4))
