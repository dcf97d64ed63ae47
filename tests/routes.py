"""Every address of the site, from the URLconf: what walks them all sees a new one on the day it is written."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("get", "post", "put", "patch", "delete")


def patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in (resolver or get_resolver()).url_patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from patterns(each, route)
        else:
            yield route, each


def methods_of(pattern: URLPattern) -> list[str]:
    """Those that a REST view has; a page is asked by every one."""
    view: Any = getattr(pattern.callback, "cls", None)
    return [method for method in METHODS if view is None or hasattr(view, method)]


def address(route: str, values: Mapping[str, object]) -> str:
    """`values` by converter, such as `<int:pk>`."""
    path = "/" + route
    for name, value in values.items():
        path = path.replace(name, str(value))
    assert "<" not in path, f"say what stands for the parts of {route}"
    return path
