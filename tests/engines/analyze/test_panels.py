"""The panels of a picture: that what was found and heard stands in them, where it belongs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import same_color
from matplotlib.figure import Figure

from engines.analyze import panels, picture
from engines.analyze.listening import Heard
from engines.analyze.results import Analysis, Chord, KeySection, Section
from tests import signals
from tests.engines.analyze import drawn
from tests.engines.analyze.drawn import areas, legend, panel, strokes, texts

Song = tuple[Analysis, Heard]
SECONDS = 16.0


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Song:
    y = signals.cadence("A minor", times=4, sr=drawn.SR)
    found, heard = drawn.heard_of(tmp_path_factory.mktemp("panels"), y)
    assert found.duration == SECONDS
    # Bars of two seconds in two keys, whatever was heard.
    return (
        replace(
            found,
            tempo=120.0,
            tempo_confidence=0.9,
            beat_times=[0.5 * i for i in range(32)],
            downbeat_times=[2.0 * i for i in range(8)],
            key_confidence=0.9,
            key_changes=[KeySection(0.0, 6.0, "A", "minor"), KeySection(6.0, 16.0, "C", "major")],
            chords=[
                Chord(0.0, 4.0, "A:min"),
                Chord(4.0, 8.0, "N"),
                Chord(8.0, 8.02, "D#:maj7"),
                Chord(8.02, 16.0, "D:min7"),
            ],
            sections=[Section(0.0, 4.0, "A"), Section(4.0, 12.0, "B"), Section(12.0, 16.0, "A")],
        ),
        heard,
    )


def figure_of(song: Song, **changes: object) -> Figure:
    found, heard = song
    return picture.figure_of(replace(found, **changes), heard)  # type: ignore[arg-type]


def test_every_panel_runs_from_the_start_to_the_end(song: Song) -> None:
    figure = figure_of(song)
    assert len(figure.axes) == 7
    assert {axes.get_xlim() for axes in figure.axes} == {(0.0, SECONDS)}


def test_sections_are_named_and_the_same_music_has_the_same_colour(song: Song) -> None:
    figure = figure_of(song)
    axes = panel(figure, "sections")
    assert texts(axes) == ["A", "B", "A"]
    colours = [patch.get_facecolor() for patch in axes.patches]
    assert colours[0] == colours[2] != colours[1]
    assert [text.get_position()[0] for text in axes.texts] == [2.0, 8.0, 14.0]
    behind = [patch for patch in panel(figure, "waveform").patches if patch.get_alpha() == 0.25]
    assert [patch.get_x() for patch in behind] == [0.0, 4.0, 12.0]  # type: ignore[attr-defined]


def test_one_section_does_not_colour_the_waveform(song: Song) -> None:
    figure = figure_of(song, sections=[Section(0.0, SECONDS, "A")])
    assert texts(panel(figure, "sections")) == ["A"]
    assert len(panel(figure, "waveform").patches) == 2


def test_chords_are_named_where_there_is_room_and_none_is_left_white(song: Song) -> None:
    axes = panel(figure_of(song), "chords")
    assert texts(axes) == ["Am", "Dm7"]
    assert len(axes.patches) == 3


def test_keys_are_named_and_their_changes_ruled(song: Song) -> None:
    figure = figure_of(song)
    assert texts(panel(figure, "keys")) == ["A minor", "C major"]
    assert [line.get_xdata()[0] for line in panel(figure, "pitch classes").lines] == [6.0]  # type: ignore[index]


def test_a_key_that_is_hardly_one_is_not_drawn(song: Song) -> None:
    figure = figure_of(song, key_confidence=0.05)
    assert not panel(figure, "keys").patches
    assert not panel(figure, "pitch classes").lines


def test_beats_and_bars_are_marked_and_numbered(song: Song) -> None:
    axes = panel(figure_of(song), "waveform")
    height = axes.get_ylim()[1] - axes.get_ylim()[0]
    bars = strokes(axes, panels.ORANGE)
    assert [time for time, _ in bars] == [2.0 * i for i in range(8)]
    assert [long for _, long in bars] == pytest.approx([height] * 8)
    beats = strokes(axes, panels.FAINT)
    assert sorted(time for time, _ in beats) == sorted([0.5 * i for i in range(32)] * 2)
    assert max(long for _, long in beats) < 0.1 * height
    assert texts(axes) == [str(i + 1) for i in range(8)]


def test_the_bar_of_a_short_loop_is_marked(song: Song) -> None:
    axes = panel(figure_of(song, downbeat_times=[0.1]), "waveform")
    assert [time for time, _ in strokes(axes, panels.ORANGE)] == [0.1]
    assert texts(axes) == ["1"]


def test_beats_bars_and_numbers_are_left_out_where_there_is_no_room(song: Song) -> None:
    bars = [0.1 * i for i in range(160)]  # 9 pixels apart
    axes = panel(figure_of(song, beat_times=list(np.arange(0, 16, 0.05)), downbeat_times=bars), "waveform")
    assert not strokes(axes, panels.FAINT)
    assert len(strokes(axes, panels.ORANGE)) == 160
    assert texts(axes)[:3] == ["1", "5", "9"]
    axes = panel(figure_of(song, downbeat_times=list(np.arange(0, 16, 0.05))), "waveform")
    assert not strokes(axes, panels.ORANGE)
    assert not texts(axes)


def test_the_waveform_reaches_from_the_least_to_the_greatest_sample(tmp_path: Path) -> None:
    y = np.concatenate([signals.tone(440, 2, amplitude=0.5), signals.silence(2), 0.25 * np.ones(44100)])
    found, heard = drawn.heard_of(tmp_path, y, 44100)
    axes = panel(picture.figure_of(found, heard), "waveform")
    (high, edges, low), _ = areas(axes)
    middle = (edges[:-1] + edges[1:]) / 2
    tone, gap, step = ((middle > a) & (middle < b) for a, b in ((0.01, 1.99), (2.01, 3.99), (4.01, 4.99)))
    assert high[tone] == pytest.approx(0.5, abs=0.01)
    assert low[tone] == pytest.approx(-0.5, abs=0.01)
    assert not high[gap].any()
    assert high[step] == pytest.approx(0.25)
    assert not low[step].any()
    assert axes.get_ylim() == pytest.approx((-0.54, 0.54), abs=0.01)
    assert [label.get_text() for label in axes.get_yticklabels()][-1] == "\N{MINUS SIGN}6.0"


def test_the_level_stays_within_the_waveform_and_begins_with_it(tmp_path: Path) -> None:
    hits = [(time, signals.kick()[:6000]) for time in (0.1, 0.6, 1.1, 1.6)]
    found, heard = drawn.heard_of(tmp_path, signals.mix_at(hits, 2.0), 44100)
    axes = panel(picture.figure_of(found, heard), "waveform")
    (high, edges, low), (level, _, below) = areas(axes)
    assert np.all(level <= high)
    assert np.all(below >= low)
    assert level.max() > 0.3
    silent = (edges[1:] > 0.5) & (edges[1:] <= 0.6)
    assert not level[silent].any()
    assert not below[silent].any()


def test_the_level_of_a_steady_tone_is_its_root_mean_square(tmp_path: Path) -> None:
    found, heard = drawn.heard_of(tmp_path, signals.tone(440, 2, amplitude=0.5), 44100)
    _, (level, _, _) = areas(panel(picture.figure_of(found, heard), "waveform"))
    assert float(np.median(level)) == pytest.approx(0.5 / 2**0.5, abs=0.01)


def test_one_sample_is_seen(tmp_path: Path) -> None:
    figure = picture.figure_of(*drawn.heard_of(tmp_path, np.full(1, 0.5, np.float32), 44100))
    axes = panel(figure, "waveform")
    high, edges, _ = areas(axes)[0]
    assert high.tolist() == [0.5]
    assert edges[0] == 0.0
    assert edges[1] >= axes.get_xlim()[1] > 0
    assert texts(panel(figure, "loudness")) == ["shorter than 0.4 s"]


def test_what_is_lost_in_resampling_is_not_called_silence(tmp_path: Path) -> None:
    found, heard = drawn.heard_of(tmp_path, np.full(1, 0.5, np.float32), 192000)
    assert texts(panel(picture.figure_of(found, heard), "waveform")) == ["too short to draw"]


def test_silence_is_said_to_be_silent(tmp_path: Path) -> None:
    figure = picture.figure_of(*drawn.heard_of(tmp_path, signals.silence(2, drawn.SR)))
    assert texts(panel(figure, "waveform")) == ["silence"]
    assert texts(panel(figure, "loudness")) == ["silence"]
    assert texts(panel(figure, "tempo")) == ["no pulse"]
    assert not areas(panel(figure, "waveform"))
    assert not panel(figure, "pitch classes").images[0].get_array().any()  # type: ignore[union-attr]


def test_a_pitch_class_is_dark_while_it_sounds(tmp_path: Path) -> None:
    y = np.concatenate([signals.tone(440, 4, drawn.SR), signals.tone(523.25, 4, drawn.SR)])
    axes = panel(picture.figure_of(*drawn.heard_of(tmp_path, y)), "pitch classes")
    (image,) = axes.images
    rows = np.asarray(image.get_array())
    names = [label.get_text() for label in axes.get_yticklabels()]
    half = rows.shape[1] // 2
    assert names[rows[:, :half].mean(axis=1).argmax()] == "A"
    assert names[rows[:, half:].mean(axis=1).argmax()] == "C"
    assert rows.max() == 1.0
    assert image.get_extent() == pytest.approx((0, 8, -0.5, 11.5), abs=0.1)


def test_loudness_is_drawn_at_its_height_and_named(tmp_path: Path) -> None:
    found, heard = drawn.heard_of(tmp_path, signals.steps([(4, -23), (4, -33)], sr=48000), 48000)
    axes = panel(picture.figure_of(found, heard), "loudness")
    momentary, short_term, whole = axes.lines
    for line in (momentary, short_term):
        y = np.asarray(line.get_ydata())
        assert (y[0], y[-1]) == pytest.approx((-23, -33), abs=0.1)
    assert np.asarray(momentary.get_xdata())[[0, -1]] == pytest.approx([0.2, 7.8], abs=0.02)
    assert whole.get_ydata()[0] == found.loudness.integrated_lufs  # type: ignore[index]
    assert legend(axes)[:2] == ["momentary, 0.4 s", "short-term, 3 s"]
    assert legend(axes)[2].startswith("integrated \N{MINUS SIGN}2")
    assert axes.get_ylim() == (-36.0, 0.0)


@pytest.mark.parametrize(("level", "limits"), [(6, (-36, 12)), (-3, (-36, 0)), (-45, (-48, 0))])
def test_the_loudness_scale_holds_all_there_is(
    tmp_path: Path, level: float, limits: tuple[float, float]
) -> None:
    figure = picture.figure_of(*drawn.heard_of(tmp_path, signals.steps([(4, level)]), 48000))
    axes = panel(figure, "loudness")
    assert axes.get_ylim() == limits
    for line in axes.lines:
        assert limits[0] < np.min(line.get_ydata()) <= np.max(line.get_ydata()) < limits[1]


def test_a_single_reading_of_loudness_is_a_dot(tmp_path: Path) -> None:
    figure = picture.figure_of(*drawn.heard_of(tmp_path, signals.noise(0.4, 48000), 48000))
    assert panel(figure, "loudness").lines[0].get_marker() == "o"


def test_a_tempo_that_rises_is_drawn_rising(song: Song) -> None:
    beats = np.cumsum(np.linspace(0.5, 0.3, 40))
    axes = panel(figure_of(song, tempo=150.0, beat_times=beats.tolist()), "tempo")
    curve, whole = axes.lines
    y = np.asarray(curve.get_ydata())
    assert np.all(np.diff(y) > 0)
    assert whole.get_ydata() == [150.0, 150.0]
    assert legend(axes) == ["over eight beats", "150.00 BPM"]
    low, high = axes.get_ylim()
    assert low < y[0] < y[-1] < high


def test_a_steady_tempo_looks_steady(song: Song) -> None:
    assert panel(figure_of(song), "tempo").get_ylim() == pytest.approx((114, 126))


@pytest.mark.parametrize(("beats", "drawn_over"), [([0.0, 0.5], ["over all beats"]), ([0.1], [])])
def test_few_beats_have_the_tempo_that_the_headline_tells(
    song: Song, beats: list[float], drawn_over: list[str]
) -> None:
    axes = panel(figure_of(song, beat_times=beats), "tempo")
    assert legend(axes) == [*drawn_over, "120.00 BPM"]
    assert not texts(axes)
    assert all(np.allclose(line.get_ydata(), 120.0) for line in axes.lines)
    assert all(line.get_marker() == "o" for line in axes.lines[:-1])


def test_a_tempo_that_is_a_guess_is_drawn_as_one(song: Song) -> None:
    assert legend(panel(figure_of(song, tempo_confidence=0.0), "tempo"))[-1] == "perhaps 120.00 BPM"


def test_legends_cover_nothing(song: Song) -> None:
    figure = figure_of(song)
    figure.draw_without_rendering()
    panes = [axes.get_window_extent() for axes in figure.axes]
    for name in ("loudness", "tempo"):
        box = panel(figure, name).get_legend().get_window_extent()  # type: ignore[union-attr]
        assert box.width > 100
        assert not any(box.overlaps(pane) for pane in panes)
        assert box.x1 <= panes[0].x1 + 1


def test_hours_are_joined_to_as_many_columns_as_there_are_pixels(song: Song) -> None:
    found, heard = song
    heard = replace(
        heard,
        overview=np.tile(heard.overview, (20, 1)),
        loudness_energy=np.tile(heard.loudness_energy, 20),
        shape=replace(heard.shape, rms=np.tile(heard.shape.rms, 20)),
    )
    figure = picture.figure_of(replace(found, duration=20 * SECONDS), heard)
    high, edges, low = areas(panel(figure, "waveform"))[0]
    assert len(high) == panels.COLUMNS
    assert edges[-1] == pytest.approx(20 * SECONDS, abs=0.1)
    assert high.max() == pytest.approx(heard.overview.max())
    assert low.min() == pytest.approx(heard.overview.min())
    momentary = panel(figure, "loudness").lines[0]
    assert len(np.asarray(momentary.get_xdata())) == panels.COLUMNS
    assert np.asarray(momentary.get_xdata())[-1] == pytest.approx(20 * SECONDS, abs=0.5)


def test_panels_are_drawn_in_the_house_colours(song: Song) -> None:
    for axes in figure_of(song).axes:
        assert same_color(axes.spines["left"].get_edgecolor(), panels.GRID)
