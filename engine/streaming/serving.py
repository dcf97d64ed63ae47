"""The engine's side of a live conversation over its socket (engine/wire.py says what a frame is).

After {"op": "listen", "options": LIVEOPTIONS} both sides speak when they like:
    to the engine      {"audio": BASE64}  {"do": "finalize", "mark": NAME}  {"do": "update", "options": LIVEOPTIONS}
                       {"do": "stop"}
    from the engine    {"live": KIND, "value": EVENT}, at last {"result": {}} or {"error": ...}
"""

import base64
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from engine import wire
from engine.errors import Cancelled, EngineError, EngineGone
from engine.protocols import Engine, ListensLive, Live
from engine.streaming.events import LiveEvent, event_to_dict, live_options_from_dict


def listen(
    engine: Engine, connection: wire.Connection, request: wire.Frame, stopping: Callable[[], bool]
) -> dict[str, Any]:
    if not isinstance(engine, ListensLive):
        raise EngineError("bad_request", "This engine does not listen to streams.")

    def say(event: LiveEvent) -> None:
        if stopping():
            raise EngineGone("engine_gone", "The speech engine is shutting down. The stream can be taken up again.")
        try:
            connection.send(event_to_dict(event))
        except OSError as error:
            raise Cancelled from error

    session = engine.listen(live_options_from_dict(request["options"]), say)
    threading.Thread(target=_read, args=(connection, session), name="live-reader", daemon=True).start()
    session.run()
    return {}


def _read(connection: wire.Connection, session: Live) -> None:
    """Ends with the connection, which the session's end closes."""
    try:
        while (frame := connection.receive()) is not None:
            _pass_on(frame, session)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    finally:
        session.close()


def _pass_on(frame: wire.Frame, session: Live) -> None:
    if "audio" in frame:
        session.push(np.frombuffer(base64.b64decode(frame["audio"]), dtype="<i2"))
        return
    match frame["do"]:
        case "finalize":
            session.finalize(frame["mark"])
        case "update":
            session.update(live_options_from_dict(frame["options"]))
        case "stop":
            session.stop()
