import logging

import pytest

from stt_site.lib.log_format import Redacting


@pytest.mark.parametrize(
    ("line", "logged"),
    [
        ("Forbidden: /s/abcdefABCDEF.k2j3h4kj2h3k4jh23k4jh2-_/", "Forbidden: /s/…/"),
        ("Not Found: /t/abcdefABCDEFk2j3h4kj2h3k/words/", "Not Found: /t/…/words/"),
        ("Not Found: /v1/store/public/place:1abcde:kjhkjhkjh-kjhkjhkjh", "Not Found: /v1/store/public/…"),
        (
            "Not Found: /transcripts/a-talk-about-the-long-voyage/",
            "Not Found: /transcripts/a-talk-about-the-long-voyage/",
        ),
    ],
)
def test_a_link_that_opens_something_is_not_logged(line: str, logged: str) -> None:
    assert Redacting("%(message)s").format(logging.makeLogRecord({"msg": line})) == logged
