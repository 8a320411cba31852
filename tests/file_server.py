"""A server of one file on this machine, which fails in the ways that a test asks for."""

from __future__ import annotations

import hashlib
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = random.Random(0).randbytes(3_000_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves one file, and fails in the ways that a test asks for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.tag = CONTENT, '"one"'
        self.drop_after: list[int] = []
        """For each answer to come, how many bytes are sent before the connection breaks."""
        self.errors: list[int] = []
        self.knows_ranges = True
        self.redirects: list[str] = []
        """Addresses that the next answers point to."""
        self.claimed_length: str | None = None
        """What it says of the length of its file, in place of the truth."""
        self.endless = False
        """Whether it sends the file again and again, and no length."""
        self.asked: list[str | None] = []
        self.pause_after = 0
        """Bytes after which an answer waits for `go_on`; 0 = none does."""
        self.paused, self.go_on = threading.Event(), threading.Event()

    def handle_error(self, *arguments: object) -> None:
        """A client that goes away is what some tests are about."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/weights.pth"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append(wanted)
        if server.errors:
            self.send_error(server.errors.pop(0))
            return
        if server.redirects:
            self.send_response(302)
            self.send_header("Location", server.redirects.pop(0))
            self.end_headers()
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        partial = bool(wanted) and server.knows_ranges and self.headers.get("If-Range") == server.tag
        if partial and start >= len(server.content):
            self.send_error(416)
            return
        body = server.content[start:] if partial else server.content
        self.send_response(206 if partial else 200)
        if not server.endless:
            self.send_header("Content-Length", server.claimed_length or str(len(body)))
        if server.tag:
            self.send_header("ETag", server.tag)
        if partial:
            self.send_header(
                "Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}"
            )
        self.end_headers()
        if server.pause_after:
            self.wfile.write(body[: server.pause_after])
            server.paused.set()
            server.go_on.wait()
            return
        while server.endless:
            self.wfile.write(body)
        self.wfile.write(body[: server.drop_after.pop(0)] if server.drop_after else body)

    def log_message(self, *arguments: object) -> None:
        pass
