"""HTTP on :9000: every operation of the table, the bus's events, and a page to watch them.

The way of a request: `connection` (bytes, bounded in time) → `guard` (host, origin, request id, log) → `app`
(which path) → `calls` (parameters from `arguments`, `body`, `multipart`, `upload`; then the bus's dispatcher)
→ `answers` (JSON). Beside it `events` (server-sent events), `openapi` (the description) and `page`.
"""

from adapters.http.server import HttpServer

__all__ = ["HttpServer"]
