import fcntl
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from engine import catalog
from engine.config import EngineConfig
from engine.errors import EngineError, ModelsBusy, ModelUnavailable, OutOfMemory, TranslatorMissing
from engine.protocols import LanguageGuess, Recognizer, Rehearses, Request, Window
from engine.residents import Source
from engine.store import Loader, ModelStore, load_recognizer
from engine.types import Phase, Segment, Task
from tests.engine.hub_double import HubDouble, running

MICRO = Path(__file__).parents[1] / "fixtures" / "micro_whisper"
WAIT = 20.0


class LoadedModel:
    """Stands for weights in memory; what it would recognise is not asked here."""

    languages = frozenset({"en"})
    batch_windows = 1
    call_windows = 1

    def kind(self, request: Request) -> None: ...

    def __init__(self, model: str) -> None:
        self.model = model

    def detect_language(self, windows: Sequence[Window]) -> LanguageGuess:
        raise NotImplementedError

    def recognize(
        self, windows: Sequence[Window], requests: Sequence[Request], cancelled: Callable[[], bool]
    ) -> list[tuple[Segment, ...]]:
        raise NotImplementedError

    def recognize_again(self, window: Window, request: Request, cancelled: Callable[[], bool]) -> tuple[Segment, ...]:
        raise NotImplementedError


class Loads:
    """Counts loads by model, and remembers with what configuration the last one was asked for."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.config: EngineConfig | None = None

    def __call__(self, source: Source, config: EngineConfig) -> Recognizer:
        self.ids.append(source.id)
        self.config = config
        return LoadedModel(source.id)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubDouble]:
    with running(MICRO) as double:
        monkeypatch.setenv("HF_ENDPOINT", double.url)
        yield double


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that refuses, as on a machine without a network."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")


def store_of(
    models_dir: Path,
    *,
    load: Loader | None = None,
    clock: Clock | None = None,
    default_model: str | None = None,
    fetch_models: bool = True,
    model_memory_mb: int = 0,
) -> ModelStore:
    config = EngineConfig(
        models_dir,
        default_model=default_model,
        device="cpu",
        fetch_models=fetch_models,
        model_memory_mb=model_memory_mb,
    )
    return ModelStore(config, load=load or Loads(), clock=clock or Clock())


def put(models_dir: Path, *models: str) -> None:
    for model in models:
        shutil.copytree(MICRO, models_dir / model)


def used(store: ModelStore, model: str | None, task: Task = "transcribe") -> str:
    with store.use(model, task=task) as recognizer:
        return recognizer.model


# --- which model answers


def test_a_model_on_disk_answers_without_the_hub(models_dir: Path, hub: HubDouble) -> None:
    put(models_dir, "small", "tiny")
    store = store_of(models_dir)
    assert (used(store, None), used(store, "tiny")) == ("small", "tiny")
    assert store.default() == ("small", False)
    assert hub.listings == 0


def test_the_default_has_rehearsed_before_anybody_asks(models_dir: Path) -> None:
    put(models_dir, "small")
    rehearsed = threading.Event()

    class Ready(LoadedModel):
        def rehearse(self) -> None:
            rehearsed.set()

    store = store_of(models_dir, load=lambda source, config: Ready(source.id), default_model="small")
    store.warm()
    assert rehearsed.wait(WAIT)
    store.close()


def test_the_test_model_rehearses(models_dir: Path) -> None:
    store = store_of(models_dir, load=load_recognizer, default_model=str(MICRO))
    with store.use(None) as recognizer:
        assert isinstance(recognizer, Rehearses)
        recognizer.rehearse()
    store.close()


def test_the_compute_type_fits_the_device_unless_the_operator_says_otherwise(models_dir: Path) -> None:
    put(models_dir, "small")
    loads = Loads()
    used(store_of(models_dir, load=loads), None)
    assert loads.config is not None
    assert (loads.config.device, loads.config.compute_type) == ("cpu", "int8")
    config = EngineConfig(models_dir, device="cpu", compute_type="float32")
    used(ModelStore(config, load=loads), None)
    assert loads.config.compute_type == "float32"


def test_the_operators_own_directory_is_the_default_under_its_name(models_dir: Path) -> None:
    store = store_of(models_dir, default_model=str(MICRO), fetch_models=False)
    assert [used(store, name) for name in (None, "micro_whisper", "whisper-1", "gpt-4o-mini-transcribe")] == [
        "micro_whisper"
    ] * 4
    assert store.default() == ("micro_whisper", False)
    assert store.statuses()[0].id == "micro_whisper"
    with pytest.raises(ModelUnavailable) as raised:
        used(store, "large-v3")
    assert raised.value.code == "model_unavailable"


@pytest.mark.parametrize("name", ["largev3", "/nowhere/model", "whisper-1"])
def test_a_default_that_cannot_be_is_refused_at_once(models_dir: Path, name: str) -> None:
    with pytest.raises(ValueError, match="STT_MODEL"):
        store_of(models_dir, default_model=name)


def test_a_foreign_name_gets_the_best_or_the_fastest_that_is_here(models_dir: Path, no_hub: None) -> None:
    put(models_dir, "tiny", "medium", "small")
    store = store_of(models_dir)
    assert used(store, "whisper-1") == "medium"
    assert used(store, "gpt-4o-mini-transcribe") == "tiny"


@pytest.mark.parametrize("name", [None, "whisper-1"])
def test_a_translation_is_made_by_a_model_that_can(models_dir: Path, name: str | None) -> None:
    put(models_dir, "large-v3-turbo", "medium", "tiny")
    store = store_of(models_dir, default_model="large-v3-turbo", fetch_models=False)
    assert used(store, name) == "large-v3-turbo"
    assert used(store, name, "translate") == "medium"
    assert store.ready(name, "translate")
    assert used(store, "gpt-4o-mini-transcribe", "translate") == "tiny"


@pytest.mark.parametrize("name", [None, "whisper-1", "large-v3-turbo", "turbo", catalog.EMBEDDED])
def test_where_none_can_translate_the_refusal_names_models_that_can(models_dir: Path, name: str | None) -> None:
    put(models_dir, "large-v3-turbo")
    store = store_of(models_dir, default_model="large-v3-turbo", fetch_models=False)
    with pytest.raises(TranslatorMissing) as raised:
        used(store, name, "translate")
    assert all(able in raised.value.message for able in ("large-v3", "medium", "small"))


def test_a_foreign_name_is_answered_even_where_no_weights_are(models_dir: Path) -> None:
    assert used(store_of(models_dir, fetch_models=False), "whisper-1") == catalog.EMBEDDED


def test_an_unknown_name_is_answered_with_the_valid_ones(models_dir: Path) -> None:
    with pytest.raises(ModelUnavailable) as raised:
        used(store_of(models_dir), "large-v9")
    assert raised.value.code == "unknown_model"
    assert all(entry.id in raised.value.message for entry in catalog.MODELS)


def test_without_weights_and_without_a_hub_the_embedded_model_answers_only_the_unnamed_request(
    models_dir: Path, no_hub: None
) -> None:
    store = store_of(models_dir)
    assert used(store, None) == catalog.EMBEDDED
    assert store.default() == (catalog.EMBEDDED, True)
    with pytest.raises(ModelUnavailable) as raised:
        used(store, "small")
    assert raised.value.code == "model_unavailable"
    assert "python manage.py models fetch small" in raised.value.message
    assert catalog.EMBEDDED in raised.value.message


def test_a_silent_hub_is_asked_again_only_after_ten_minutes(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch, no_hub: None
) -> None:
    clock = Clock()
    store = store_of(models_dir, clock=clock)
    assert used(store, None) == catalog.EMBEDDED
    with running(MICRO) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        clock.now += 599
        assert used(store, None) == catalog.EMBEDDED
        with pytest.raises(ModelUnavailable):
            used(store, "tiny")
        assert hub.listings == 0
        clock.now += 2
        assert used(store, None) == "small"


def test_status_asks_the_hub_once_what_a_request_would_get(models_dir: Path, hub: HubDouble) -> None:
    store = store_of(models_dir)
    assert [store.default() for _ in range(3)] == [("small", False)] * 3
    assert hub.listings == 1
    assert hub.gets["model.bin"] == 0


def test_status_notices_that_the_hub_came_back(models_dir: Path, monkeypatch: pytest.MonkeyPatch, no_hub: None) -> None:
    clock = Clock()
    store = store_of(models_dir, clock=clock)
    assert store.default() == (catalog.EMBEDDED, True)
    with running(MICRO) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert store.default() == (catalog.EMBEDDED, True)
        assert hub.listings == 0
        clock.now += 601
        store.default()
        assert hub.listed.wait(WAIT)
        assert used(store, None) == "small"
    assert store.default() == ("small", False)


def test_a_hub_that_takes_the_call_and_says_nothing_counts_as_silent(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.hub.CONNECT_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{mute.getsockname()[1]}")
        assert used(store_of(models_dir), None) == catalog.EMBEDDED


def test_where_fetching_is_not_allowed_the_hub_is_left_alone(models_dir: Path, hub: HubDouble) -> None:
    store = store_of(models_dir, fetch_models=False)
    assert used(store, None) == catalog.EMBEDDED
    with pytest.raises(ModelUnavailable, match="may not fetch"):
        used(store, "tiny")
    assert hub.listings == 0
    store.fetch("tiny", lambda share: None)
    assert used(store, "tiny") == "tiny"


# --- fetching


COMMUNITY = (
    "config.yaml",
    "segmentation/pytorch_model.bin",
    "embedding/pytorch_model.bin",
    "plda/xvec_transform.npz",
    "plda/plda.npz",
)


@pytest.fixture
def gated_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubDouble]:
    for name in (*COMMUNITY, "README.md"):
        path = tmp_path / "community" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name * 1000)
    with running(tmp_path / "community") as double:
        double.gated_for = "hf_right"
        monkeypatch.setenv("HF_ENDPOINT", double.url)
        for name in ("HF_TOKEN", "STT_HF_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        yield double


def test_a_gated_diarizer_comes_with_the_right_token_in_its_own_layout(
    models_dir: Path, gated_hub: HubDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STT_HF_TOKEN", "hf_right")
    store = store_of(models_dir)
    shares: list[float] = []
    store.fetch("pyannote", shares.append)
    assert {str(path.relative_to(models_dir / "pyannote")) for path in (models_dir / "pyannote").rglob("*.*")} == set(
        COMMUNITY
    )
    assert [status.id for status in store.others() if status.installed] == ["pyannote"]
    assert "pyannote" not in {status.id for status in store.statuses()}
    with pytest.raises(ModelUnavailable):
        used(store, "pyannote")
    store.remove("pyannote")
    assert not any(status.installed for status in store.others())


def test_the_token_is_for_the_hub_and_not_for_where_it_keeps_its_files(
    models_dir: Path, gated_hub: HubDouble, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STT_HF_TOKEN", "hf_right")
    with running(tmp_path / "community") as storage:
        gated_hub.elsewhere = storage.url.replace("127.0.0.1", "localhost")
        store_of(models_dir).fetch("pyannote", lambda share: None)
        assert set(gated_hub.authorizations) == {"Bearer hf_right"}
        assert set(storage.authorizations) == {None}


@pytest.mark.parametrize(
    ("token", "sentence"),
    [(None, "make a token that may read, and set it as STT_HF_TOKEN"), ("hf_wrong", "conditions")],
)
def test_whoever_has_not_accepted_the_conditions_is_told_to(
    models_dir: Path, gated_hub: HubDouble, monkeypatch: pytest.MonkeyPatch, token: str | None, sentence: str
) -> None:
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(ModelUnavailable) as refused:
        store_of(models_dir).fetch("pyannote", lambda share: None)
    assert sentence in refused.value.message
    assert "/pyannote/speaker-diarization-community-1" in refused.value.message
    assert not (models_dir / "pyannote").exists()


def test_the_default_is_fetched_on_first_use_with_its_progress_in_sight(models_dir: Path, hub: HubDouble) -> None:
    store = store_of(models_dir)
    hub.pause_after = 100_000
    seen: list[tuple[Phase, float | None]] = []

    def on_wait(phase: Phase, share: float | None) -> None:
        seen.append((phase, share))
        if phase == "fetching_model" and hub.paused.is_set():
            small = next(status for status in store.statuses() if status.id == "small")
            assert not small.installed
            assert small.fetching is not None
            hub.resume.set()

    with store.use(None, on_wait=on_wait) as recognizer:
        assert recognizer.model == "small"
    shares = [share for phase, share in seen if phase == "fetching_model" and share is not None]
    assert shares == sorted(shares)
    assert all(0.0 <= share <= 1.0 for share in shares)
    assert hub.resume.is_set(), "nobody was told of the download"
    assert {path.name for path in (models_dir / "small").iterdir()} == {path.name for path in MICRO.iterdir()}
    assert (models_dir / "small" / "model.bin").read_bytes() == (MICRO / "model.bin").read_bytes()
    assert store.default() == ("small", False)


def test_many_who_want_the_same_model_share_one_download(models_dir: Path, hub: HubDouble) -> None:
    store, loads = store_of(models_dir), []
    hub.pause_after = 1000
    threads = [threading.Thread(target=lambda: loads.append(used(store, "tiny"))) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert hub.paused.wait(WAIT)
    hub.resume.set()
    for thread in threads:
        thread.join(WAIT)
    assert loads == ["tiny"] * 5
    assert hub.gets["model.bin"] == 1


def test_one_who_gives_up_does_not_stop_the_download_for_the_others(models_dir: Path, hub: HubDouble) -> None:
    store = store_of(models_dir)
    hub.pause_after = 1000

    def give_up(phase: Phase, share: float | None) -> None:
        if hub.paused.is_set():
            raise InterruptedError

    with pytest.raises(InterruptedError), store.use("tiny", on_wait=give_up):
        pass
    hub.resume.set()
    assert used(store, "tiny") == "tiny"
    assert hub.gets["model.bin"] == 1


def test_a_download_that_broke_off_leaves_no_model_and_goes_on_where_it_stopped(
    models_dir: Path, hub: HubDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 65536)  # what is kept is kept in these steps
    clock = Clock()
    store = store_of(models_dir, clock=clock)
    hub.cut_after = 4 * 65536
    with pytest.raises(ModelUnavailable) as raised:
        used(store, "tiny")
    assert raised.value.code == "model_unavailable"
    assert not (models_dir / "tiny").exists()
    hub.cut_after = None
    clock.now += 601
    assert used(store, "tiny") == "tiny"
    assert hub.ranges == ["bytes=262144-"]
    assert (models_dir / "tiny" / "model.bin").read_bytes() == (MICRO / "model.bin").read_bytes()


def test_a_repository_without_its_tokenizer_is_no_model(models_dir: Path, hub: HubDouble) -> None:
    del hub.files["tokenizer.json"]
    with pytest.raises(ModelUnavailable, match=r"tokenizer\.json"):
        used(store_of(models_dir), "tiny")
    assert hub.gets["model.bin"] == 0
    assert used(store_of(models_dir), None) == catalog.EMBEDDED


def test_weights_that_arrive_damaged_are_thrown_away(models_dir: Path, hub: HubDouble) -> None:
    hub.corrupt = True
    store = store_of(models_dir)
    with pytest.raises(ModelUnavailable, match="damaged"):
        store.fetch("tiny", lambda share: None)
    assert not (models_dir / "tiny").exists()
    hub.corrupt = False
    store.fetch("tiny", lambda share: None)
    assert used(store, "tiny") == "tiny"


def test_an_unfinished_copy_by_hand_is_neither_used_nor_deleted(models_dir: Path, hub: HubDouble) -> None:
    put(models_dir, "tiny")
    (models_dir / "tiny" / "model.bin").unlink()
    store = store_of(models_dir)
    with pytest.raises(ModelUnavailable, match="move it away"):
        used(store, "tiny")
    assert (models_dir / "tiny" / "config.json").exists()


# --- memory


def test_a_model_is_loaded_once_for_everyone(models_dir: Path) -> None:
    put(models_dir, "small")
    loads, together = Loads(), threading.Barrier(4)
    store = store_of(models_dir, load=loads)
    recognizers: list[Recognizer] = []

    def work() -> None:
        with store.use(None) as recognizer:
            recognizers.append(recognizer)
            together.wait(WAIT)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert loads.ids == ["small"]
    assert len({id(recognizer) for recognizer in recognizers}) == 1
    assert len(recognizers) == 4


def test_a_slow_load_keeps_telling_that_it_lives(models_dir: Path) -> None:
    put(models_dir, "small")
    told = threading.Event()

    def load(source: Source, config: EngineConfig) -> Recognizer:
        assert told.wait(WAIT)
        return LoadedModel(source.id)

    store = store_of(models_dir, load=load)
    assert not store.ready(None)
    with store.use(None, on_wait=lambda phase, share: told.set()) as recognizer:
        assert recognizer.model == "small"
    assert store.ready(None)


def test_an_idle_model_leaves_memory_and_a_used_one_stays(models_dir: Path) -> None:
    put(models_dir, "small", "tiny")
    clock, loads = Clock(), Loads()
    store = store_of(models_dir, clock=clock, load=loads)
    used(store, "tiny")
    with store.use("small"):
        clock.now += 899
        assert store.unload_idle() == []
        clock.now += 2
        assert store.unload_idle() == ["tiny"]
    assert [status.id for status in store.statuses() if status.loaded] == ["small"]
    used(store, "tiny")
    assert loads.ids == ["tiny", "small", "tiny"]


def test_a_model_that_does_not_fit_beside_an_idle_one_takes_its_place(models_dir: Path) -> None:
    put(models_dir, "small", "medium")
    loads = Loads()

    def load(source: Source, config: EngineConfig) -> Recognizer:
        recognizer = loads(source, config)
        if len(loads.ids) == 2:
            raise RuntimeError("CUDA failed with error out of memory")
        return recognizer

    store = store_of(models_dir, load=load)
    used(store, "small")
    assert used(store, "medium") == "medium"
    assert [status.id for status in store.statuses() if status.loaded] == ["medium"]


TWO_OF_THREE = 8
"""MB: the test model counts as 3.5."""


def loaded(store: ModelStore) -> list[str]:
    return sorted(status.id for status in store.statuses() if status.loaded)


def test_the_least_recently_used_idle_model_makes_room(models_dir: Path) -> None:
    put(models_dir, "tiny", "base", "small")
    clock = Clock()
    store = store_of(models_dir, load=load_recognizer, clock=clock, model_memory_mb=TWO_OF_THREE)
    for model in ("tiny", "base", "tiny"):
        used(store, model)
        clock.now += 1
    assert loaded(store) == ["base", "tiny"]
    assert used(store, "small") == "small"
    assert loaded(store) == ["small", "tiny"]


def test_no_model_at_work_makes_room_and_whoever_wanted_it_may_try_again(models_dir: Path) -> None:
    put(models_dir, "tiny", "base", "small")
    store = store_of(models_dir, model_memory_mb=TWO_OF_THREE)
    with store.use("tiny"):
        with store.use("base"), pytest.raises(ModelsBusy, match="small") as raised:
            used(store, "small")
        assert raised.value.permanent is False
        assert loaded(store) == ["base", "tiny"]
        assert used(store, "small") == "small"
        assert loaded(store) == ["small", "tiny"]
        assert used(store, catalog.EMBEDDED) == catalog.EMBEDDED


def test_a_model_larger_than_the_budget_is_refused_for_good(models_dir: Path) -> None:
    put(models_dir, "tiny")
    with pytest.raises(ModelUnavailable, match="STT_MODEL_MEMORY_MB") as raised:
        used(store_of(models_dir, model_memory_mb=1), "tiny")
    assert raised.value.permanent


def test_where_free_memory_is_measured_too_little_of_it_is_said(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(models_dir, "tiny")
    monkeypatch.setattr("engine.memory.free_ram", lambda: 3.0)
    with pytest.raises(OutOfMemory, match="3 MB are free") as raised:
        used(store_of(models_dir), "tiny")
    assert not raised.value.permanent


def test_a_model_that_never_fits_is_out_of_memory(models_dir: Path) -> None:
    put(models_dir, "small")

    def load(source: Source, config: EngineConfig) -> Recognizer:
        raise RuntimeError("CUDA failed with error out of memory")

    with pytest.raises(OutOfMemory):
        used(store_of(models_dir, load=load), None)


def test_weights_that_cannot_be_loaded_say_what_to_do_and_are_tried_again(models_dir: Path) -> None:
    put(models_dir, "small")
    broken = [True]

    def load(source: Source, config: EngineConfig) -> Recognizer:
        if broken:
            raise ValueError("unsupported model binary version")
        return LoadedModel(source.id)

    store = store_of(models_dir, load=load)
    with pytest.raises(ModelUnavailable, match="models remove small"):
        used(store, None)
    broken.clear()
    assert used(store, None) == "small"


def test_an_interrupted_removal_does_not_stop_the_next(models_dir: Path) -> None:
    put(models_dir, "tiny")
    shutil.copytree(models_dir / "tiny", models_dir / ".removing-tiny")
    store_of(models_dir).remove("tiny")
    assert [path.name for path in models_dir.iterdir() if path.name != ".locks"] == []


def test_a_model_in_use_cannot_be_removed_here_or_from_another_process(models_dir: Path) -> None:
    put(models_dir, "tiny")
    store, other = store_of(models_dir), store_of(models_dir)
    with store.use("tiny"):
        for remover in (store, other):
            with pytest.raises(EngineError) as raised:
                remover.remove("tiny")
            assert raised.value.code == "model_in_use"
    other.remove("tiny")
    assert not (models_dir / "tiny").exists()
    with (models_dir / ".locks" / "tiny").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("model", ["tiny", "nonsense", catalog.EMBEDDED])
def test_what_is_not_fetched_cannot_be_removed(models_dir: Path, model: str) -> None:
    with pytest.raises(ModelUnavailable):
        store_of(models_dir).remove(model)
