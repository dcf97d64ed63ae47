"""How fast the page of a three-hour transcript is: 28,000 words, a real Chromium, the real server on SQLite.

    python -m benchmarks.page [--words 28000] [--repeat 200]

Prints what is sent, how long the server and the browser take, and how long a word takes to light up.
"""

import argparse
import gzip
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, sync_playwright

HOURS = 3
PER_LINE = 20
LIGHT = """async (repeat) => {
    const slider = document.querySelector('[data-player=position]');
    const script = [], frame = [];
    for (let i = 0; i < repeat; i += 1) {
        slider.value = (slider.max * ((i * 7919) % repeat)) / repeat;
        const from = performance.now();
        slider.dispatchEvent(new Event('input'));
        script.push(performance.now() - from);
        await new Promise(requestAnimationFrame);
        await new Promise((done) => setTimeout(done));
        frame.push(performance.now() - from);
    }
    return {script, frame};
}"""
PAINT = """() => {
    const page = performance.getEntriesByType('navigation')[0];
    const paint = performance.getEntriesByName('first-contentful-paint')[0];
    return {answer: page.responseEnd, ready: page.domContentLoadedEventEnd, paint: paint ? paint.startTime : NaN};
}"""


def prepare(words: int) -> str:
    """A database with one transcript; its path on the site."""
    import django

    django.setup()
    from django.core.management import call_command

    from tests.web import rows

    call_command("migrate", verbosity=0)
    line = " ".join(f"word{number}" for number in range(PER_LINE))
    lines = words // PER_LINE
    step = HOURS * 3600 / lines
    segments = [rows.spoken(line, step * number, per_word=step / PER_LINE * 0.95) for number in range(lines)]
    made = rows.transcript(None, segments=segments)
    sound = Path(tempfile.mkdtemp()) / "silence.flac"
    source = ["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", str(HOURS * 3600)]
    subprocess.run(["ffmpeg", "-v", "error", *source, str(sound)], check=True)
    rows.with_playback(made, sound.read_bytes())
    call_command("collectstatic", interactive=False, verbosity=0)
    return f"/t/{made.view_token}/"


@contextmanager
def server() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "stt_site.asgi:application",
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    process = subprocess.Popen(command)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/docs/")
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def fetch(url: str) -> tuple[float, bytes]:
    began = time.perf_counter()
    body = urllib.request.urlopen(url).read()
    return (time.perf_counter() - began) * 1000, body


def size(body: bytes) -> str:
    return f"{len(body) / 1024:.0f} KiB, {len(gzip.compress(body)) / 1024:.0f} KiB gzipped"


def spread(values: list[float]) -> str:
    ranked = sorted(values)
    return f"{median(ranked):.1f} / {ranked[int(len(ranked) * 0.95)]:.1f} ms"


def clicks(page: Page, repeat: int) -> list[float]:
    """From a click on a word until that word is lit and drawn."""
    return [
        page.evaluate(
            """async (number) => {
                const lines = document.querySelectorAll('[data-line]');
                const line = lines[(number * 37) % lines.length];
                line.scrollIntoView({block: 'center'});
                await new Promise((done) => setTimeout(done, 50));
                const range = document.createRange();
                range.setStart(line.firstChild, 0);
                range.setEnd(line.firstChild, 5);
                const box = range.getBoundingClientRect();
                const at = {bubbles: true, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2};
                const from = performance.now();
                line.dispatchEvent(new MouseEvent('click', at));
                await new Promise(requestAnimationFrame);
                return performance.now() - from;
            }""",
            number,
        )
        for number in range(repeat)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=28_000)
    parser.add_argument("--repeat", type=int, default=200)
    asked = parser.parse_args()
    os.environ["STT_DATA_DIR"] = tempfile.mkdtemp(prefix="steno-page-")
    os.environ["DJANGO_SETTINGS_MODULE"] = "stt_site.settings"
    path = prepare(asked.words)
    with server() as address, sync_playwright() as playwright:
        answers = [fetch(address + path) for _ in range(11)][1:]
        words = [fetch(f"{address}{path}words/") for _ in range(6)][1:]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address + path)
        page.wait_for_selector("[data-ready=words]")
        paint = page.evaluate(PAINT)
        light = page.evaluate(LIGHT, asked.repeat)
        clicked = clicks(page, min(asked.repeat, 50))
        browser.close()
    html, table = answers[0][1], words[0][1]
    print(f"words                              {asked.words}")
    print(f"page                               {size(html)}")
    print(f"word times                         {size(table)}")
    print(f"server, page (median / p95)        {spread([time for time, _ in answers])}")
    print(f"server, word times                 {spread([time for time, _ in words])}")
    print(f"browser, answer / paint / ready    {paint['answer']:.0f} / {paint['paint']:.0f} / {paint['ready']:.0f} ms")
    print(f"light a word, script               {spread(light['script'])}")
    print(f"light a word, drawn                {spread(light['frame'])}")
    print(f"click a word, lit and drawn        {spread(clicked)}")


if __name__ == "__main__":
    main()
