"""Stock Magenta behind our own interface: load a bundle that is allowed, prime it, let it play, stop it."""

import base64
import importlib
import secrets
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines._errors import NotInstalledError, TooLongError, UndecodableError
from engines._notes import Note, Part, Score, read, write
from engines._units import Progress
from engines.generate import store
from engines.generate.allowed import ALLOWED
from engines.generate.bundle import Bundle, read_bundle
from engines.generate.request import MAX_BARS, TEMPO_RANGE, between
from engines.generate.theory import progression
from engines.magenta import stock
from engines.magenta.result import Generated

# The modules of `magenta.models` that know generators.
_FAMILIES: Final = (
    "drums_rnn.drums_rnn_sequence_generator",
    "melody_rnn.melody_rnn_sequence_generator",
    "improv_rnn.improv_rnn_sequence_generator",
    "performance_rnn.performance_sequence_generator",
    "polyphony_rnn.polyphony_sequence_generator",
)
# Steps a generator may take for each bar: performance_rnn writes up to 500 events a bar, others 16.
_STEPS_A_BAR: Final = 1000
_COLDEST: Final = 0.1  # Magenta divides by the temperature
_HELD: Final = 2  # generators kept; a session takes some tens of megabytes
_generators: OrderedDict[str, Any] = OrderedDict()


def generate(
    model: str,
    bars: int,
    tempo: float,
    *,
    path: Path | None,
    chords: str | None,
    temperature: float,
    seed: int | None,
    progress: Progress,
) -> Generated:
    """Play a bundle."""
    between("bars", bars, 1, MAX_BARS)
    between("tempo", tempo, *TEMPO_RANGE, unit=" BPM")
    between("temperature", temperature, 0, 2)
    bundle = _allowed(model)
    progress(0.0, "load")
    generator = _generator(bundle, model)
    drums = bundle.generator in ("drum_kit", "one_drum")
    symbols = [chord.symbol for chord in progression(chords, bars, 1)] if chords else []
    if bundle.generator.endswith("improv") and not symbols:
        raise ValueError(f"chords: none; {bundle.generator} plays over chords")
    primer, start = _primer(path, bars, tempo, drums=drums)
    for bar, symbol in enumerate(symbols):
        primer.text_annotations.add(text=symbol, time=bar * 240 / tempo, annotation_type=1)
    chosen = secrets.randbits(32) if seed is None else seed
    counted = _Counted(generator, bars * _STEPS_A_BAR, progress)
    sequence = counted.call(primer, start, bars * 240 / tempo, max(temperature, _COLDEST), chosen)
    per_second = tempo / 60
    notes = tuple(
        sorted(
            Note(n.start_time * per_second, n.pitch, (n.end_time - n.start_time) * per_second, n.velocity)
            for n in sequence.notes
            if n.start_time * per_second < bars * 4
        )
    )
    part = Part(bundle.generator, notes, drums=drums)
    score = Score((part,), ((0.0, tempo),), ((0.0, 4, 4),), float(bars * 4))
    return Generated(
        "success",
        base64.b64encode(write(score)).decode("ascii"),
        notes,
        drums,
        chosen,
        model,
        bundle.sha256,
        bundle.generator,
        counted.steps,
    )


class _Counted:
    """A generator whose every step is counted, told of, and bounded."""

    def __init__(self, generator: Any, most: int, progress: Progress) -> None:
        self.generator, self.most, self.progress, self.steps = generator, most, progress, 0

    def call(self, primer: Any, start: float, end: float, temperature: float, seed: int) -> Any:
        from magenta.models.shared.sequence_generator import SequenceGeneratorError  # noqa: PLC0415  TensorFlow
        from note_seq.protobuf import generator_pb2  # noqa: PLC0415  loads pandas and bokeh

        options = generator_pb2.GeneratorOptions()
        options.args["temperature"].float_value = temperature
        options.generate_sections.add(start_time=start, end_time=end)
        # polyphony_rnn otherwise lays the primer under what it plays, as a melody to go with.
        for word in ("condition_on_primer", "no_inject_primer_during_generation"):
            options.args[word].bool_value = True
        model = self.generator._model
        plain = type(model)._generate_step_for_batch

        def step(*args: Any, **kwargs: Any) -> Any:
            self.steps += 1
            if self.steps > self.most:
                raise TooLongError(f"model: the generator did not end within {self.most} steps")
            self.progress(min(0.99, self.steps / self.most), "play")
            return plain(model, *args, **kwargs)

        model._generate_step_for_batch = step
        # Magenta draws from numpy's global generator; this worker does nothing else.
        np.random.seed(seed % 2**32)
        try:
            return self.generator.generate(primer, options)
        except (AssertionError, SequenceGeneratorError) as error:
            raise ValueError(f"path: Magenta cannot go on from this primer {error}".rstrip()) from error
        finally:
            del model._generate_step_for_batch


def _allowed(name: str) -> Bundle:
    """Read a bundle, and refuse a graph with anything in it that a generator does not need."""
    entry = store.find(name)
    try:
        bundle = read_bundle(entry.path)
        foreign = bundle.operations - ALLOWED
        wanted = entry.card.get("sha256")
    except (UndecodableError, OSError) as error:
        raise NotInstalledError(f"model: {name!r} is damaged ({error}); models.import it again") from error
    if wanted and wanted != bundle.sha256:
        raise NotInstalledError(f"model: {name!r} is not the file its card describes; models.import it again")
    if foreign:
        raise ValueError(
            f"model: {name!r} holds operations that are not allowed: {', '.join(sorted(foreign)[:8])}"
        )
    return bundle


def _generator(bundle: Bundle, name: str) -> Any:
    if bundle.sha256 in _generators:
        _generators.move_to_end(bundle.sha256)
        return _generators[bundle.sha256]
    with stock.quiet():
        from note_seq.protobuf import generator_pb2  # noqa: PLC0415  loads pandas and bokeh

        for family in _FAMILIES:
            module = importlib.import_module(f"magenta.models.{family}")
            made = module.get_generator_map().get(bundle.generator)
            if made is not None:
                break
        else:
            raise NotInstalledError(
                f"model: {name!r} is a {bundle.generator!r}, which no generator of Magenta's plays"
            )
        whole = generator_pb2.GeneratorBundle(metagraph_file=bytes(bundle.metagraph))
        whole.generator_details.id = bundle.generator
        whole.checkpoint_file.append(bytes(bundle.checkpoint))
        generator = made(checkpoint=None, bundle=whole)
        generator.initialize()
    _generators[bundle.sha256] = generator
    while len(_generators) > _HELD:
        _generators.popitem(last=False)[1].close()
    return generator


def _primer(path: Path | None, bars: int, tempo: float, *, drums: bool) -> tuple[Any, float]:
    """Return a NoteSequence to go on from, and the second at which to go on."""
    from note_seq.protobuf import music_pb2  # noqa: PLC0415

    sequence = music_pb2.NoteSequence(ticks_per_quarter=220)
    sequence.tempos.add(qpm=tempo)
    sequence.time_signatures.add(numerator=4, denominator=4)
    end = bars * 240 / tempo
    step = 15 / tempo
    notes: tuple[Note, ...] = ()
    if path is not None:
        score = read(path)
        part = next((p for p in score.parts if p.drums == drums), None)
        if part is None:
            raise ValueError(f"path: the file has no {'drums' if drums else 'pitched notes'}")
        notes = part.notes
    last = 0.0
    for note in notes:
        start, stop = note.start * 60 / tempo, note.end * 60 / tempo
        sequence.notes.add(
            pitch=note.pitch, velocity=max(1, note.velocity), start_time=start, end_time=stop, is_drum=drums
        )
        last = max(last, stop)
    if last + 2 * step > end:
        raise ValueError(f"path: {last:.1f} s; must end before bar {bars} does, at {end:.1f} s")
    sequence.total_time = max(last, end)
    return sequence, last + step if notes else 0.0
