"""What waits for a slow client is bounded."""

import asyncio

from transcripts.streaming.outbox import FULL, MOST, Outbox


def test_interim_text_is_left_out_and_nothing_else() -> None:
    outbox = Outbox()
    for number in range(MOST):
        outbox.put({"final": number})
    outbox.put({"partial": 0}, passing=True)
    outbox.put({"final": MOST})
    outbox.close()

    async def taken() -> list[object]:
        messages: list[object] = []
        while (message := await outbox.next()) is not None:
            messages.append(message)
        return messages

    assert asyncio.run(taken()) == [{"final": number} for number in range(MOST + 1)]


def test_who_takes_nothing_waits_until_he_does() -> None:
    async def scene() -> None:
        outbox = Outbox()
        for number in range(FULL):
            outbox.put({"pong": number})
        waiting = asyncio.create_task(outbox.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        await outbox.next()
        await waiting
        outbox.put({"pong": FULL})
        waiting = asyncio.create_task(outbox.room())
        await asyncio.sleep(0)
        outbox.close()  # the connection is gone
        await waiting

    asyncio.run(scene())
