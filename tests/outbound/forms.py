"""Ways to write an address that must not be reached (hosts.txt), in several URLs; and what is no URL (urls.txt)."""

from pathlib import Path

HERE = Path(__file__).parent
HOSTS = (HERE / "hosts.txt").read_text().split()
NO_URLS = [
    *(HERE / "urls.txt").read_text().splitlines(),
    "http://8.8.8.8/ HTTP/1.1\r\nHost: inside",
    "http://8.8.8.8/\r\nX: y",
    "http://8.8.8.8/\x00",
    "http://8.8.8.8/\t",
    "http://example.org\u2028/",
    "http://8.8.8.8/" + "a" * 2100,
    "",
]


def urls(port: int) -> list[str]:
    """`port`: where the canary sits."""
    return [
        *NO_URLS,
        *(f"http://{host}/" for host in HOSTS),
        *(f"https://{host}/latest/meta-data/" for host in HOSTS[::2]),
        *(f"http://{host}:{port}/" for host in HOSTS),
        *(f"http://{host}:8080/?u=http://8.8.8.8/" for host in HOSTS[::3]),
    ]
