from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.streaming.socket import Socket


class Nowhere(Socket):
    """Every other address: refused before the upgrade."""

    async def opened(self) -> None:
        error = ServiceError(ErrorCode.NOT_FOUND, "There is no WebSocket at this address.")
        await self.refuse(error, {"error": error.message})
