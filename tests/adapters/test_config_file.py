"""Reading config.toml: what is found, what is changed from outside, and what is refused with which words."""

import re
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.config_file import ConfigError, check_engines, find, load
from adapters.settings import Config

ROOT = Path(__file__).resolve().parents[2]


def test_the_shipped_file_says_the_defaults() -> None:
    shipped = tomllib.loads((ROOT / "config.toml").read_text())
    defaults = asdict(Config())
    for section, values in shipped.items():
        if section == "engines":
            continue
        for key, value in values.items():
            said = defaults[section][key]
            if key == "audio_roots":
                said = [str(path) for path in said]
            elif isinstance(said, Path):
                said = str(said)
            assert said == value, f"{section}.{key}"


def test_the_shipped_file_names_every_key_but_the_platforms_own_folders() -> None:
    shipped = tomllib.loads((ROOT / "config.toml").read_text())

    def keys(table: object, prefix: str = "") -> set[str]:
        if not isinstance(table, dict) or not table:
            return {prefix}
        return {key for name, inner in table.items() for key in keys(inner, f"{prefix}.{name}".strip("."))}

    missing = keys(asdict(Config())) - keys(shipped)
    assert missing == {"paths.state", "paths.cache", "engines"}


def test_a_file_that_is_named_comes_before_the_environment_and_the_folders(tmp_path: Path) -> None:
    for name in ("named.toml", "environment.toml", "config.toml"):
        (tmp_path / name).touch()
    environ = {"DAWG_CONFIG": str(tmp_path / "environment.toml")}
    assert find(tmp_path / "named.toml", environ, tmp_path) == tmp_path / "named.toml"
    assert find(None, environ, tmp_path) == tmp_path / "environment.toml"
    assert find(None, {}, tmp_path) == tmp_path / "config.toml"


def test_a_named_file_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape("nowhere.toml: no such configuration file")):
        find(tmp_path / "nowhere.toml", {}, tmp_path)


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("bus.router=tcp://127.0.0.1:9101", "tcp://127.0.0.1:9101"),
        ('bus.router="tcp://127.0.0.1:9101"', "tcp://127.0.0.1:9101"),
        ("bus.router=ipc:///run/dawg.sock", "ipc:///run/dawg.sock"),
    ],
)
def test_a_value_is_read_as_toml_and_as_text_where_it_is_none(override: str, value: str) -> None:
    assert load(None, [override]).bus.router == value


def test_numbers_lists_and_nested_sections_can_be_set() -> None:
    config = load(None, ["http.port=0", 'http.allowed_origins=["http://a"]', "engines.analyze.workers=3"])
    assert config.http.port == 0
    assert config.http.allowed_origins == ["http://a"]
    assert config.engines["analyze"].workers == 3


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("bus.routr=x", "bus.routr: unknown (did you mean router?)"),
        ("buss.router=x", "buss: unknown (did you mean bus?)"),
        ("http.port=70000", "http.port: 70000; must be a whole number between 0 and 65535"),
        ("bus.heartbeat_s=0", "bus.heartbeat_s: 0; must be above 0 s"),
        ("bus.heartbeat_s=nan", "bus.heartbeat_s: nan; must be a finite number, above 0 s"),
        ("bus.limits.queue=0", "bus.limits.queue: 0; must be at least 1"),
        ("bus.limits.queue=1.5", "bus.limits.queue: 1.5; must be a whole number, at least 1"),
        ("bus=1", "bus: 1; must be a map"),
        ("log.level=loud", "log.level: 'loud'; must be one of debug, info, warning, error"),
        ("core.url=ftp://x", "core.url: 'ftp://x'; must be http://HOST:PORT"),
        ("paths.audio_roots=~", "paths.audio_roots: '~'; must be a list"),
        ("http.enabled=perhaps", "http.enabled: 'perhaps'; must be true or false"),
    ],
)
def test_a_wrong_or_unknown_key_is_said_with_what_is_allowed(override: str, words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        load(None, [override])


def test_what_the_command_line_set_wrongly_is_not_said_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[http]\nport = 9000\n[log]\nlevel = 'loud'\n")
    with pytest.raises(ConfigError, match=r"^--set http\.port: 70000; must be"):
        load(path, ["http.port=70000", "log.level=info"])
    with pytest.raises(ConfigError, match=r"^--set core: unknown|^--set core: 1; must be a map"):
        load(path, ["core=1", "log.level=info"])
    with pytest.raises(ConfigError, match=r"config\.toml: log\.level: 'loud'; must be"):
        load(path, ["http.port=9001"])


@pytest.mark.parametrize("override", ["", "=", "bus", "bus.=1", ".router=1", "bus.router.x=1", "bus.router"])
def test_an_override_that_is_none_is_said(override: str) -> None:
    with pytest.raises(ConfigError):
        load(None, ["bus.router=tcp://127.0.0.1:1", override])


def test_an_engine_that_is_not_there_is_said() -> None:
    config = load(None, ["engines.analyse.workers=1"])
    with pytest.raises(ConfigError, match=r"engines\.analyse: unknown \(did you mean analyze\?\)"):
        check_engines(config, ["analyze", "generate"])


def test_a_file_that_is_no_toml_is_said_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"config\.toml"):
        load(path)
    path.write_text("[bus\n")
    with pytest.raises(ConfigError, match=r"config\.toml"):
        load(path)


@given(st.text(max_size=40))
def test_any_text_is_an_override_or_an_error_with_words(text: str) -> None:
    try:
        load(None, [text])
    except ConfigError as error:
        assert str(error)
