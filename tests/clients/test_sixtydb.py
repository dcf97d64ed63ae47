"""60db's own packages, from PyPI and from npm. Both send the recording as `audio`."""

import pytest
import requests
from sixtydb import SixtyDBClient

from tests.clients.conftest import NodeClient
from tests.engine.speech import spoken
from tests.live import NAMES, Product

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def key(live_product: Product) -> str:
    return live_product.key("sixtydb@example.com")


def test_101_102_pypi(live_product: Product, key: str) -> None:
    client = SixtyDBClient(key, live_product.address)
    heard = client.speech_to_text(str(live_product.speech), language="en")
    assert heard["text"] == spoken(NAMES)
    assert heard["language_source"] == "fast_path"
    assert heard["language_detection"]["lid_calls"] == 0
    assert heard["rtf"] == pytest.approx(heard["processing_ms"] / (1000 * heard["duration_sec"]), rel=0.01)
    assert client.speech_to_text(str(live_product.speech))["text"] == heard["text"]
    assert len(client.get_languages()["data"]["languages"]) == 40


def test_pypi_refused(live_product: Product, key: str) -> None:
    for client, language, status in (
        (SixtyDBClient(key, live_product.address), "ja", 400),
        (SixtyDBClient("stt_live_nobody", live_product.address), "en", 401),
    ):
        with pytest.raises(requests.HTTPError) as refusal:
            client.speech_to_text(str(live_product.speech), language=language)
        answer = refusal.value.response
        assert answer is not None
        assert (answer.status_code, answer.json()["success"]) == (status, False)


def test_npm(live_product: Product, key: str, node_client: NodeClient) -> None:
    said = node_client("sixtydb.mjs", key=key, base=live_product.address, file=str(live_product.speech))
    assert said["heard"]["text"] == said["detected"]["text"] == spoken(NAMES)
    assert (said["heard"]["language_source"], said["detected"]["language_source"]) == ("fast_path", "lid_per_segment")
    assert (said["unsupported"]["status"], said["unknown"]["status"]) == (400, 401)
    assert said["unsupported"]["body"]["error_code"] == "UNSUPPORTED_LANGUAGE"
    assert len(said["languages"]["data"]["languages"]) == 40
