import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(pool: ThreadPoolExecutor, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Cancelled or not, it comes back only when the work is over: nothing is written behind a discard."""
    running = pool.submit(work, *arguments, **options)
    try:
        return await asyncio.wrap_future(running)
    except asyncio.CancelledError:
        wait([running])
        raise


async def in_database(work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    result: T = await database_sync_to_async(work, thread_sensitive=False)(*arguments, **options)
    return result
