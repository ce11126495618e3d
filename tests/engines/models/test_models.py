"""Models come in whole or not at all, and what is wrong with one is said with the remedy."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.operations import engine_operations
from engines import generate, models
from engines._errors import NotInstalledError, UndecodableError, UnreachableError
from engines.generate import inventory, store
from engines.generate.allowed import ALLOWED
from engines.generate.bundle import read_bundle
from engines.generate.events import ENCODERS
from engines.models import fetching
from tests import bundles

MELODY = bundles.bundle("basic_rnn", bundles.lstm_stack(38, (8,), 38))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAWG_MODELS", str(tmp_path / "models"))
    store.unload()
    return tmp_path / "models"


def given(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "given.mag"
    path.write_bytes(data)
    return path


def test_the_shipped_models_are_whole_and_pinned() -> None:
    found = models.list_()
    assert {m.name for m in found.models} == {"drums", "melody", "bass", "harmony"}
    for model in found.models:
        assert (model.shipped, model.backend, model.problem, model.operations) == (True, "numpy", None, ())
        assert model.role == model.name
        assert {"data", "licence", "command", "seed", "held_out_nll"} <= set(model.card)
        assert models.verify(model.name).pinned
    assert sum(m.size for m in found.models) < 8_000_000


def test_a_bundle_that_comes_in_can_be_played_and_leave_again(tmp_path: Path, folder: Path) -> None:
    made = models.import_(given(tmp_path, MELODY), "mine")
    assert (made.name, made.role, made.backend, made.shipped) == ("mine", "melody", "numpy", False)
    assert generate.melody(model="mine", seed=1).models[0].sha256 == made.sha256
    assert models.remove("mine").size == len(MELODY)
    assert not list(folder.iterdir())
    with pytest.raises(NotInstalledError):
        models.info("mine")


@pytest.mark.parametrize(
    "page", [b"<html>404</html>", b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"]
)
def test_a_web_page_does_not_come_in(tmp_path: Path, folder: Path, page: bytes) -> None:
    with pytest.raises(UndecodableError, match="web page"):
        models.import_(given(tmp_path, page))
    assert not folder.exists()


def test_a_bundle_cut_short_does_not_come_in(tmp_path: Path, folder: Path) -> None:
    for end in range(0, len(MELODY), 200):
        with pytest.raises(UndecodableError):
            models.import_(given(tmp_path, MELODY[:end]))
    assert not folder.exists()


def test_a_wrong_sha256_does_not_come_in(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sha256"):
        models.import_(given(tmp_path, MELODY), sha256="0" * 64)


@pytest.mark.parametrize("name", ["drums", "../up", "", "a b", ".hidden"])
def test_a_name_that_is_taken_or_none_is_refused(tmp_path: Path, name: str) -> None:
    path = given(tmp_path, MELODY)
    if not name:
        assert models.import_(path, name).name == "basic_rnn"
        return
    with pytest.raises(ValueError, match="name"):
        models.import_(path, name)


def test_a_model_changed_behind_our_back_is_not_played(tmp_path: Path, folder: Path) -> None:
    models.import_(given(tmp_path, MELODY), "mine")
    other = bundles.bundle("basic_rnn", bundles.lstm_stack(38, (8,), 38, seed=9))
    (folder / "mine.mag").write_bytes(other)
    with pytest.raises(NotInstalledError, match="sha256"):
        generate.melody(model="mine")
    with pytest.raises(NotInstalledError, match="sha256"):
        models.verify("mine")
    assert "sha256" in (models.info("mine").problem or "")


def test_a_damaged_model_says_what_to_do(tmp_path: Path, folder: Path) -> None:
    models.import_(given(tmp_path, MELODY), "mine")
    for end in range(0, len(MELODY), 500):
        (folder / "mine.mag").write_bytes(MELODY[:end])
        with pytest.raises(NotInstalledError, match=r"import it again with models\.import"):
            generate.melody(model="mine")
        assert models.info("mine").problem


def test_a_network_we_do_not_know_comes_in_but_is_not_played(tmp_path: Path) -> None:
    made = models.import_(
        given(tmp_path, bundles.bundle("performance", bundles.lstm_stack(10, (4,), 10))), "piano"
    )
    assert made.backend is None
    with pytest.raises(NotInstalledError, match="performance"):
        generate.melody(model="piano")


def test_operations_off_the_allow_list_are_shown(tmp_path: Path) -> None:
    data = bundles.bundle(
        "basic_rnn", bundles.lstm_stack(38, (8,), 38), operations=("MatMul", "PyFunc", "ReadFile")
    )
    assert models.import_(given(tmp_path, data), "odd").operations == ("PyFunc", "ReadFile")


def test_every_operation_of_the_shipped_graphs_is_allowed() -> None:
    for path in inventory.SHIPPED.glob("*.mag"):
        bundle = read_bundle(path)
        assert bundle.operations <= ALLOWED
        assert bundle.generator in ENCODERS


# --- fetching, from a server of our own --------------------------------------------------------------------


class Server(http.server.BaseHTTPRequestHandler):
    files: dict[str, bytes] = {}  # noqa: RUF012  filled by the test

    def do_GET(self) -> None:
        body = self.files.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    Server.files = {}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        monkeypatch.setattr(fetching, "BASE", f"http://127.0.0.1:{running.server_port}")
        yield Server.files
        running.shutdown()
        thread.join()


def test_a_fetched_bundle_is_pinned_from_then_on(server: dict[str, bytes]) -> None:
    server["/basic_rnn.mag"] = MELODY
    first = models.fetch("basic_rnn")
    assert first.backend == "numpy"
    server["/basic_rnn.mag"] = bundles.bundle("basic_rnn", bundles.lstm_stack(38, (8,), 38, seed=5))
    with pytest.raises(ValueError, match="sha256"):
        models.fetch("basic_rnn")
    assert models.info("basic_rnn").sha256 == first.sha256


def test_a_page_in_place_of_a_bundle_is_refused(server: dict[str, bytes]) -> None:
    server["/attention_rnn.mag"] = b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"
    with pytest.raises(UndecodableError, match="web page"):
        models.fetch("attention_rnn")


def test_a_server_without_the_file_is_named(server: dict[str, bytes]) -> None:
    with pytest.raises(FileNotFoundError, match=r"answered 404.*models\.import"):
        models.fetch("basic_rnn")


def test_a_server_that_is_not_there_may_be_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "BASE", "http://127.0.0.1:9")  # discard: nothing of ours listens there
    with pytest.raises(UnreachableError, match=r"cannot be reached.*models\.import") as caught:
        models.fetch("basic_rnn")
    assert caught.value.code == "UNAVAILABLE"


def test_only_official_names_are_fetched() -> None:
    with pytest.raises(ValueError, match="did you mean basic_rnn"):
        models.fetch("basic_rn")


# --- what is in memory


def test_a_model_is_loaded_and_let_go(tmp_path: Path) -> None:
    models.import_(given(tmp_path, MELODY), "mine")
    assert not models.info("mine").loaded
    loaded = models.load("mine")
    assert loaded.loaded
    # Twice what was trained: as it came, and as it is computed with.
    assert 4 * (loaded.parameters or 0) < loaded.memory <= 8 * (loaded.parameters or 0)
    listed = models.list_()
    assert {model.name for model in listed.models if model.loaded} == {"mine"}
    assert listed.memory == loaded.memory <= listed.memory_limit
    gone = models.unload("mine")
    assert (gone.names, gone.memory) == (("mine",), loaded.memory)
    assert models.unload("mine").names == ()
    assert models.list_().memory == 0


def test_without_a_name_every_model_is_let_go() -> None:
    for name in ("drums", "melody"):
        models.load(name)
    assert models.unload().names == ("drums", "melody")
    assert not any(model.loaded for model in models.list_().models)
    assert generate.drums(seed=1).tracks[0].notes
    assert models.info("drums").loaded


def test_past_the_limit_the_models_not_asked_for_longest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    one = models.load("melody").memory
    monkeypatch.setattr(store, "HELD_BYTES", one + one // 2)
    models.load("bass")
    assert [model.name for model in models.list_().models if model.loaded] == ["bass"]


def test_a_model_that_is_not_there_or_damaged_is_not_loaded(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(NotInstalledError, match=r"models\.import"):
        models.load("nobody")
    with pytest.raises(NotInstalledError, match="did you mean drums"):
        models.unload("drum")
    models.import_(given(tmp_path, MELODY), "mine")
    (folder / "mine.mag").write_bytes(MELODY[:1000])
    with pytest.raises(NotInstalledError, match="damaged"):
        models.load("mine")
    assert not models.info("mine").loaded


def test_what_is_in_memory_is_asked_of_the_worker_that_has_it() -> None:
    lanes = {operation.name: operation.lane for operation in engine_operations(models)}
    assert lanes["models.load"] == lanes["models.unload"] == lanes["models.list"] == "generate"
    assert lanes["models.train"] == lanes["models.fetch"] == "models"
