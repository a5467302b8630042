"""Knows how long a request's head may be: the parser alone keeps one without end, before anybody is asked who they are."""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES: Final = 64 * 1024


class BoundedHeads(HttpToolsProtocol):
    """uvicorn's protocol; a head of more than `HEAD_BYTES`, in any number of headers, is answered with 400 and closed."""

    _head_bytes = 0
    _in_head = True

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_head = False

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # Counted after parsing: what completes the head may bring a part of the body with it.
        self._head_bytes = self._head_bytes + len(data) if self._in_head else 0
        if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")
