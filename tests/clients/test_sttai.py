"""STT.ai's own packages, from PyPI and from npm."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial

import pytest
from sttai import AuthError, STTClient, STTError

from tests.clients.conftest import NodeClient
from tests.engine.speech import spoken
from tests.live import NAMES, Product

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def key(live_product: Product) -> str:
    return live_product.key("sttai@example.com")


@pytest.fixture(scope="module")
def client(live_product: Product, key: str) -> STTClient:
    return STTClient(key, base_url=live_product.address)


@pytest.fixture
def shelf(live_product: Product) -> Iterator[str]:
    """Where the recording can be downloaded: the package does that itself."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=live_product.speech.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_recording_becomes_text(client: STTClient, live_product: Product) -> None:
    # The package always names a model; this server has another.
    heard = client.transcribe(str(live_product.speech), model="whisper-1", language="en", speakers=1)
    assert heard["text"] == spoken(NAMES)
    assert heard["speakers"] == ["Speaker 1"]
    assert [word["word"] for word in heard["segments"][0]["words"]][:2] == spoken(NAMES).split()[:2]


def test_a_recording_elsewhere(client: STTClient, live_product: Product, shelf: str) -> None:
    heard = client.transcribe_url(f"{shelf}/{live_product.speech.name}", model="whisper-1", diarize=False)
    assert (heard["text"], heard["speakers"]) == (spoken(NAMES), [])


def test_the_package_s_own_model_is_named_as_missing(client: STTClient, live_product: Product) -> None:
    with pytest.raises(STTError, match="large-v3-turbo is not installed"):
        client.transcribe(str(live_product.speech))


def test_the_catalogue(client: STTClient) -> None:
    models = client.models()["models"]
    assert {"large-v3-turbo", "large-v3", "medium", "small"} <= {model["id"] for model in models}
    assert all(model["description"] for model in models)
    assert {"code": "en", "name": "english"} in client.languages()["languages"]
    assert client.health()["status"] == "ok"


def test_refusals_are_the_packages_own(live_product: Product, client: STTClient) -> None:
    stranger = STTClient("stt_live_nobody", base_url=live_product.address)
    with pytest.raises(AuthError, match="unknown, revoked or expired"):
        stranger.transcribe(str(live_product.speech), model="whisper-1")
    with pytest.raises(STTError, match="no language 'xx'"):
        client.transcribe(str(live_product.speech), model="whisper-1", language="xx")


def test_npm(live_product: Product, key: str, node_client: NodeClient) -> None:
    wish = {"key": key, "base": live_product.address, "file": str(live_product.speech)}
    said = node_client("sttai.mjs", **wish, nodeFetch=True)
    assert said["heard"]["ok"]["text"] == spoken(NAMES)
    assert said["heard"]["ok"]["speakers"] == ["Speaker 1"]
    assert said["wrong"]["name"] == "STTError"
    assert said["unknown"]["name"] == "AuthError"
    assert said["models"]["models"]
    assert said["languages"]["languages"]
    assert said["health"]["status"] == "ok"
    # With Node's own fetch the package's upload is no form: nobody could read it, and the answer says so.
    assert "not the multipart form" in node_client("sttai.mjs", **wish)["heard"]["message"]
