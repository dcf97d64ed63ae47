"""OpenAI's Node client and Vercel's AI SDK against the whole product."""

import pytest

from tests.api.test_contract import plain_words
from tests.clients.conftest import NodeClient
from tests.engine.speech import spoken
from tests.live import NAMES, Product

pytestmark = pytest.mark.slow
WORDS = plain_words(spoken(NAMES))


def test_68_openai_for_node(live_product: Product, node_client: NodeClient) -> None:
    key = live_product.key("openai-node@example.com", minutes=100)
    said = node_client("openai_node.mjs", key=key, base=f"{live_product.address}/v1", speech=live_product.speech)
    assert plain_words(said["json"]["text"]) == WORDS
    assert plain_words(said["text"]) == WORDS
    assert [word["word"].lower() for word in said["verbose"]["words"]] == WORDS
    assert said["verbose"]["segments"]
    assert said["diarized"]["segments"][0]["speaker"] == "A"
    assert said["translation"]["text"]
    *deltas, done = said["events"]
    assert "".join(event["delta"] for event in deltas) == done["text"]
    assert plain_words(done["text"]) == WORDS
    assert "".join(entry["token"] for entry in done["logprobs"]) == done["text"]
    assert "small" in said["models"]
    assert said["model"]["id"] == "whisper-1"
    refusals = {name: said[name] for name in ("badField", "badModel", "badKey")}
    assert {name: (each["name"], each["status"], each["param"] or each["code"]) for name, each in refusals.items()} == {
        "badField": ("BadRequestError", 400, "temperature"),
        "badModel": ("NotFoundError", 404, "model_not_found"),
        "badKey": ("AuthenticationError", 401, "invalid_api_key"),
    }


def test_71_vercel_s_ai_sdk(live_product: Product, node_client: NodeClient) -> None:
    key = live_product.key("openai-vercel@example.com", minutes=100)
    said = node_client("openai_vercel.mjs", key=key, base=f"{live_product.address}/v1", speech=live_product.speech)
    for result in (said["plain"], said["words"], said["newer"]):
        assert plain_words(result["text"]) == WORDS
    assert [plain_words(segment["text"])[0] for segment in said["words"]["segments"]] == WORDS
    assert said["words"]["language"] == "en"
    assert said["words"]["seconds"] == pytest.approx(live_product.seconds, abs=0.1)
    assert said["badKey"]["name"] == "APICallError"
