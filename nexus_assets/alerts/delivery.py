"""Sending: messages through Apprise, one destination at a time, and the heartbeat. No address ever reaches a log."""

from __future__ import annotations

from dataclasses import dataclass, field

from nexus_assets.alerts.policy import Destination
from nexus_assets.errors import NexusAssetsError
from nexus_assets.log_redaction import silence_libraries

HEARTBEAT_TIMEOUT_SECONDS = 10.0


class DeliveryError(NexusAssetsError):
    """Messages could not be delivered; they are kept, and tried again in the next round."""


@dataclass(frozen=True)
class Sender:
    """Where messages go, and the address that is called after every good round (empty: none)."""

    destinations: tuple[Destination, ...] = ()
    heartbeat_url: str = field(default="", repr=False)

    def send(self, destination: Destination, title: str, body: str) -> bool:
        """Whether the destination took the message."""
        from apprise import Apprise, NotifyFormat, OverflowMode

        silence_libraries()
        # A library's error may quote the address, password and all: that it failed is all that is passed on.
        try:
            service = Apprise.instantiate(destination.url)
            if service is None:
                return False
            if "overflow=" not in destination.url:
                # A service that takes short texts only gets several instead of refusing one forever.
                service.overflow_mode = OverflowMode.SPLIT
            sender = Apprise()
            return sender.add(service) and bool(sender.notify(title=title, body=body, body_format=NotifyFormat.TEXT))
        except Exception:
            return False

    def ping(self) -> bool:
        """Tells the heartbeat's receiver that all is well here; whether it answered. True where there is none."""
        if not self.heartbeat_url:
            return True
        import httpx

        silence_libraries()
        try:
            return httpx.get(self.heartbeat_url, timeout=HEARTBEAT_TIMEOUT_SECONDS).is_success
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
