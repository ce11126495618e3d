"""Audio files in and out: the one place that knows file formats and channel order.

Inside the engines audio is float32, full scale +-1, shape `(n_channels, n_samples)` or `(n_samples,)` for
mono, and channels stand in WAV order (L R C LFE Ls Rs ...), whatever the file had. What a file is comes from
its content, never from its name. Reading happens in blocks: memory does not grow with the length of a file.

Faults that still leave audio in a file are counted, not raised: `AudioReader.truncated`, `.faulty_samples`.
"""

import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr

from engines._errors import TooLongError, UndecodableError

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]

BLOCK_SAMPLES = (
    1 << 17
)  # of all channels together: 1.5 s of stereo at 44.1 kHz, so a cancel is seen in milliseconds
MIN_SR, MAX_SR = 4_000, 768_000  # beyond these a header lies, and resampling would not end
MAX_CHANNELS = 64
MAX_DURATION_S = 12 * 3600.0
MIN_AMPLITUDE = 1e-12  # -240 dBFS: below is what a decaying filter leaves, which processors choke on
MAX_AMPLITUDE = 1e6  # +120 dBFS: beyond it a float sample is debris, and its square would overflow

_TOO_LONG = f"path: longer than {MAX_DURATION_S / 3600:.0f} hours"
_SEEK_FAILED = 39  # libsndfile's SFE_SEEK_FAILED
_FRAMES_UNKNOWN = 2**63 - 1  # libsndfile's SF_COUNT_MAX, for a FLAC that does not say how long it is

# Positions in WAV order (Microsoft's channel mask), by number of channels.
WAV_ORDER: dict[int, tuple[str, ...]] = {
    1: ("M",),
    2: ("L", "R"),
    3: ("L", "R", "C"),
    4: ("L", "R", "Ls", "Rs"),
    5: ("L", "R", "C", "Ls", "Rs"),
    6: ("L", "R", "C", "LFE", "Ls", "Rs"),
    7: ("L", "R", "C", "LFE", "Cs", "Ls", "Rs"),
    8: ("L", "R", "C", "LFE", "Lb", "Rb", "Ls", "Rs"),
}
# Vorbis I specification, 4.3.9 (Opus: RFC 7845, 5.1.1.2): libsndfile 1.2 hands these on as they are stored.
_FROM_VORBIS_ORDER: dict[int, tuple[int, ...]] = {
    3: (0, 2, 1),
    5: (0, 2, 1, 3, 4),
    6: (0, 2, 1, 5, 3, 4),
    7: (0, 2, 1, 6, 5, 3, 4),
    8: (0, 2, 1, 7, 5, 6, 3, 4),
}


class AudioReader:
    """An open recording, read once from front to back; use it in a `with` statement.

    Attributes
    ----------
    sr
        Sample rate in Hz.
    n_channels
        Number of channels.
    positions
        Where each channel belongs (`L`, `R`, `C`, `LFE`, `Ls` ...); `?` beyond eight channels.
    container, encoding
        What the content is, in libsndfile's words: `WAV` and `PCM_16`, `OGG` and `VORBIS`.
    declared_frames
        Samples a channel as the header has it; 0 where it does not say.
    frames
        Samples a channel decoded so far.
    faulty_samples
        Samples decoded so far that were NaN, infinite or beyond +120 dBFS; they were replaced by 0.
    truncated
        Whether the file ends before its header says; final once everything was read.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a regular file; a FIFO or device is refused without waiting for its data.
    UndecodableError
        If its content is no audio that can be decoded, or holds no samples.
    TooLongError
        If it is longer than twelve hours by its header, which spares decoding it to find out.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._source = _open_regular(self.path)
        try:
            # A handle is faster than Python's file object, but on Windows libsndfile has a C library of its
            # own, where it means nothing. `closefd` would close it after some errors and not after others.
            self._file = sf.SoundFile(
                self._source.fileno() if os.name == "posix" else self._source, closefd=False
            )
        except sf.LibsndfileError as error:
            self._source.close()
            raise UndecodableError(f"path: not audio that can be decoded ({_reason(error)})") from error
        self.sr: int = self._file.samplerate
        self.n_channels: int = self._file.channels
        self.container: str = self._file.format
        self.encoding: str = self._file.subtype
        self._endless = self._file.frames == _FRAMES_UNKNOWN
        self.declared_frames: int = 0 if self._endless else max(0, self._file.frames)
        self.frames = 0
        self.faulty_samples = 0
        self.truncated = _says_cut_off(self._file.extra_info)
        self.positions = WAV_ORDER.get(self.n_channels, ("?",) * self.n_channels)
        self._order = _FROM_VORBIS_ORDER.get(self.n_channels) if self.container == "OGG" else None
        try:
            self._refuse_absurd()
        except (UndecodableError, TooLongError):
            self.close()
            raise

    @property
    def declared_duration(self) -> float:
        """Seconds as the header has it; 0 where it does not say."""
        return self.declared_frames / self.sr

    @property
    def duration(self) -> float:
        """Seconds decoded so far."""
        return self.frames / self.sr

    @property
    def share_read(self) -> float:
        """How much of what the header declares was decoded so far, 0 to 1; 0 where it does not say."""
        return min(1.0, self.frames / self.declared_frames) if self.declared_frames else 0.0

    def blocks(self) -> Iterator[FloatArray]:
        """Yield the recording as float32 blocks of shape (n_channels, n), each valid until the next one.

        Raises
        ------
        UndecodableError
            If not one sample could be decoded.
        TooLongError
            If more comes than twelve hours.
        """
        block = np.empty((max(1024, BLOCK_SAMPLES // self.n_channels), self.n_channels), np.float32)
        whole = True
        while whole:
            n = self._read_into(block)
            whole = n == len(block)
            if n == 0:
                break
            self.frames += n
            if self.frames > MAX_DURATION_S * self.sr:  # whatever the header said
                raise TooLongError(_TOO_LONG)
            self._mend(block[:n])
            y = block[:n].T
            yield y[list(self._order)] if self._order else y
        # A compressed file tells its length in the header and simply ends.
        self.truncated = self.truncated or self.frames < self.declared_frames
        if self.frames == 0:
            raise UndecodableError("path: holds no audio samples")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_into(self, block: FloatArray) -> int:
        start = self.frames
        if self._endless:
            block[:] = np.nan
        try:
            return len(self._file.read(out=block))
        except sf.LibsndfileError as error:
            if self._endless and error.code == _SEEK_FAILED:
                # soundfile seeks behind what it has read, where such a stream ends too, and tells no number.
                return int(np.count_nonzero(~np.isnan(block[:, 0])))
            # A decoder that loses its place (a cut FLAC) raises, with what it had decoded in the block.
            self.truncated = True
            return min(max(0, int(self._file.tell()) - start), len(block) - 1)

    def _mend(self, block: FloatArray) -> None:
        low, high = float(block.min()), float(block.max())
        # One pass for the usual case: NaN and infinity both fail this comparison.
        if low >= -MAX_AMPLITUDE and high <= MAX_AMPLITUDE:
            if max(high, -low) < MIN_AMPLITUDE:
                block[:] = 0.0
            return
        faulty = ~(np.abs(block) <= MAX_AMPLITUDE)
        self.faulty_samples += int(faulty.sum())
        block[faulty] = 0.0

    def _refuse_absurd(self) -> None:
        if not MIN_SR <= self.sr <= MAX_SR:
            raise UndecodableError(
                f"path: sample rate {self.sr} Hz; must be between {MIN_SR} and {MAX_SR} Hz"
            )
        if self.n_channels > MAX_CHANNELS:
            raise UndecodableError(f"path: {self.n_channels} channels; must be at most {MAX_CHANNELS}")
        if self.declared_duration > MAX_DURATION_S:
            raise TooLongError(_TOO_LONG)


def load(path: Path | str, sr: int | None = None) -> tuple[FloatArray, int]:
    """Read a whole recording.

    Parameters
    ----------
    path
        A regular file.
    sr
        Sample rate wanted; the file's own when None.

    Returns
    -------
    (y, sr)
        Audio, float32, shape (n_channels, n_samples), and its sample rate. Raises as `AudioReader` does.
    """
    with AudioReader(path) as reader:
        y = np.concatenate([block.copy() for block in reader.blocks()], axis=1)
        own_sr = reader.sr
    wanted = sr or own_sr
    return resample(y, own_sr, wanted), wanted


def load_mono(path: Path | str, sr: int) -> FloatArray:
    """Read a whole recording as float32 mono at `sr`, shape (n_samples,). Raises as `AudioReader` does."""
    with AudioReader(path) as reader:
        y = np.concatenate([to_mono(block) for block in reader.blocks()])
        own_sr = reader.sr
    return resample(y, own_sr, sr)


def save(path: Path | str, y: FloatArray, sr: int, encoding: str = "PCM_24") -> None:
    """Write audio of shape (n_samples,) or (n_channels, n_samples) as WAV; `encoding` as libsndfile names it.

    The file appears whole or not at all.
    """
    target = Path(path)
    part = target.with_name(f".{target.name}.part")
    try:
        sf.write(part, y.T, sr, format="WAV", subtype=encoding)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def to_mono(y: FloatArray) -> FloatArray:
    """Mean of the channels of audio of shape (n_channels, n_samples): a new array, shape (n_samples,)."""
    # Adding channel by channel is ten times as fast as a mean over the short axis.
    mono: FloatArray = y[0].copy()
    for channel in y[1:]:
        mono += channel
    if len(y) > 1:
        mono *= np.float32(1 / len(y))
    return mono


def resample(y: FloatArray, sr: int, new_sr: int) -> FloatArray:
    """Change the sample rate of audio of shape (n_samples,) or (n_channels, n_samples)."""
    if sr == new_sr:
        return y
    out: FloatArray = soxr.resample(np.ascontiguousarray(y.T), sr, new_sr, quality="HQ").T
    return out


def samples_to_seconds(samples: int, sr: float) -> float:
    """Say in seconds where a sample counted from 0 stands."""
    return samples / sr


def seconds_to_samples(seconds: float, sr: float) -> int:
    """Say which sample, counted from 0, stands nearest to a time."""
    return math.floor(seconds * sr + 0.5)


def _open_regular(path: Path) -> BinaryIO:
    # Without O_NONBLOCK, opening a FIFO waits for a writer that may never come.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError(f"path: {path.name}; must be a regular file")
    return os.fdopen(handle, "rb", buffering=0)


def _reason(error: sf.LibsndfileError) -> str:
    # libsndfile words a short or foreign file as one that does not exist.
    text = str(error.error_string).rstrip(".")
    return "format not recognised" if "does not exist" in text else text[:1].lower() + text[1:]


def _says_cut_off(parse_log: str) -> bool:
    """Whether libsndfile's log of the header tells of audio data that the file is too short for."""
    for line in parse_log.splitlines():
        if "lacks an end-of-stream bit" in line:
            return True
        if line.lstrip().startswith(("data :", "SSND :")) and "should be" in line:
            declared = line.split(":")[1].split()[0]
            # A writer that cannot seek back leaves the largest size there is: unknown, not missing.
            return declared.isdigit() and int(declared) not in _SIZE_UNKNOWN
    return False


_SIZE_UNKNOWN = frozenset(
    {0, 0xFFFFFFFF, 0x7FFFFFFF, 0xFFFFFFFF - 36, 0x7FFFFFFF - 36, 0x7FFFF000, 0x7FFFF000 - 36}
)
