"""schemathesis over the OpenAPI document of the running product: what no address may answer, however it is asked.

    python -m tests.fuzz [--seconds 600] [--seed N]

Ends with an error where an answer is a 5xx that the document does not name, a status that it does not name, or where
credentials that are left out or spoilt open what they should not.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import django
import httpx

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from accounts.services.key_powers import SCOPES  # noqa: E402
from tests.e2e.conftest import ROOT, Product  # noqa: E402

CHECKS = "not_a_server_error,ignored_auth,status_code_conformance,content_type_conformance"
UNHURRIED = {f"STT_{name}_PER_MINUTE": "1000000" for name in ("READS", "WRITES", "WORK", "TEXT", "UPLOADS")}
CONFIG = Path(__file__).with_name("schemathesis.toml")
FUZZER = Path(sys.executable).with_name("st")
"""Where pip put it, whatever PATH says."""
CLIP = ROOT / "tests" / "engine" / "clips" / "en_water.wav"


def fuzz(seconds: int, seed: int, directory: Path) -> int:
    """schemathesis's exit status; its table is on stdout."""
    product = Product(directory, **UNHURRIED, STT_LOG_LEVEL="ERROR")
    try:
        key = a_key(directory)
        config = directory / "schemathesis.toml"
        config.write_text(CONFIG.read_text() + names_of_things(product.address, key))
        return subprocess.run(
            [
                *(str(FUZZER), "--config-file", str(config), "run", f"{product.address}/openapi.json"),
                *("--header", f"Authorization: Bearer {key}", "--checks", CHECKS),
                *("--max-time", str(seconds), "--seed", str(seed), "--workers", "2", "--continue-on-failure"),
                *("--request-timeout", "60", "--no-shrink", "--no-color", "--suppress-health-check", "all"),
            ],
            check=False,
        ).returncode
    finally:
        product.stop()


def names_of_things(address: str, key: str) -> str:
    """So that half the questions are about something that is there."""
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=120) as client:
        for _ in range(5):
            with CLIP.open("rb") as file:
                client.post("/v1/transcribe", files={"file": file}).raise_for_status()
        url = {"url": "https://example.org/hook"}
        endpoint = client.post("/api/v1/webhooks/", json=url).raise_for_status().json()["id"]
        message = client.post(f"/api/v1/webhooks/{endpoint}/test/").raise_for_status().json()["id"]
        refs = [each["public_id"] for each in client.get("/api/v1/transcripts/").json()["results"]]
    names = {"ref": refs, "endpoint": [endpoint], "message": [message], "turn": [0, 1], "number": [1]}
    return "".join(
        f"\n[dictionaries.{name}]\nvalues = {json.dumps(values)}\n"
        f'[parameters."path.{name}"]\ndictionary = "{name}"\nprobability = 0.5\n'
        for name, values in names.items()
    )


def a_key(directory: Path) -> str:
    """Of a paying account, with every scope."""
    command = ["manage.py", "create_api_key", "--email", "fuzz@example.org", "--credits", "100000"]
    environment = {"PATH": "/usr/bin:/bin", "STT_DATA_DIR": str(directory)}
    made = subprocess.run(
        [sys.executable, *command, "--scopes", *SCOPES],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.split()[-1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=20261121)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="steno-fuzz-") as directory:
        return fuzz(arguments.seconds, arguments.seed, Path(directory))


if __name__ == "__main__":
    raise SystemExit(main())
