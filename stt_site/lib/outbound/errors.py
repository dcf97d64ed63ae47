"""What can be wrong with a request that we make. The texts are for the log; what a caller may read says less."""


class OutboundError(Exception):
    pass


class NotAllowed(OutboundError):
    """The URL, or where it leads, is not one to connect to."""


class Unreachable(OutboundError):
    """No answer, or none that is HTTP, in time."""


class TooLarge(OutboundError):
    """The answer is longer than was wanted."""
