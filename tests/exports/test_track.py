"""The browser's own WebVTT parser must see what we meant."""

import base64
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.exports.spoken import META, dialogue
from transcripts.exports.captions import cues
from transcripts.exports.registry import render

CHROMIUM = Path("/usr/bin/chromium")

READ_TRACK = """url => new Promise((done, fail) => {
  const video = document.createElement('video');
  const track = document.createElement('track');
  track.kind = 'captions';
  const told = cue => [cue.startTime, cue.endTime, cue.getCueAsHTML().textContent];
  track.onload = () => done(Array.from(track.track.cues, told));
  track.onerror = () => fail(new Error('the track did not load'));
  track.src = url;
  video.append(track);
  document.body.append(video);
  track.track.mode = 'hidden';
})"""


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")
@pytest.mark.parametrize("language", ["en", "ar", "ja"])
def test_chromium_reads_the_captions_that_were_written(language: str) -> None:
    transcript = dialogue(language)
    url = "data:text/vtt;base64," + base64.b64encode(render("vtt", transcript, META).body).decode()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        seen = browser.new_page().evaluate(READ_TRACK, url)
        browser.close()
    assert seen == [[cue.start / 1000, cue.end / 1000, cue.text] for cue in cues(transcript)]
