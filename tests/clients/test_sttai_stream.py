"""The streams of STT.ai's own SDK, under the WebSocket library of its time and today's, which end differently."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import NodeClient
from tests.engine.speech import TEXTS, talk
from tests.live import Product
from tests.streaming.client import WAIT

pytestmark = pytest.mark.slow
NAMES = ("en_door", "en_music")
PROGRAM = """
    import json, sys
    import websocket
    from sttai import STTClient

    address, key, path, version = sys.argv[1:]
    assert websocket.__version__ == version, websocket.__version__
    heard = []
    session = STTClient(key, base_url=address).stream(
        lambda data: heard.append(data["text"]), model="micro_whisper", language="en"
    )
    with open(path, "rb") as file:
        while chunk := file.read(4096):
            session.send(chunk)
    print(json.dumps({"final": session.finish(timeout=5), "heard": heard}))
"""


@pytest.mark.parametrize("version", ["1.7.0", "1.9.2"])
def test_35_a_stream_of_the_python_sdk(live_product: Product, tmp_path: Path, version: str) -> None:
    key = live_product.key("sdk@example.org", 10)
    sound = tmp_path / "talk.raw"
    sound.write_bytes(talk(NAMES).tobytes())
    answer = run_with(version, tmp_path, live_product.address, key, str(sound), version)
    assert answer["final"]["final"] is True
    assert answer["final"]["text"] == " ".join(TEXTS[name] for name in NAMES)
    assert any(TEXTS["en_door"] in text for text in answer["heard"])


def test_36_a_stream_of_the_node_sdk(live_product: Product, tmp_path: Path, node_client: NodeClient) -> None:
    sound = tmp_path / "talk.raw"
    sound.write_bytes(talk(NAMES).tobytes())
    key = live_product.key("node-sdk@example.org", 10)
    events = node_client("sttai_stream.mjs", key=key, base=live_product.address, sound=sound)
    said = [event["text"] for event in events if event["event"] == "transcript"]
    assert " ".join(said[:-1]) == said[-1] == " ".join(TEXTS[name] for name in NAMES)
    assert [event["text"] for event in events if event["event"] == "partial"]
    assert {event["event"] for event in events} <= {"partial", "transcript", "message"}


def run_with(version: str, directory: Path, *arguments: str) -> dict[str, Any]:
    library = directory / "library"
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", str(library)]
    subprocess.run([sys.executable, *install, f"websocket-client=={version}"], check=True)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), *arguments],
        env={**os.environ, "PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
        timeout=WAIT,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
