"""A multipart form as it streams in: text fields as parameters, files into the spool.

A part is a file if it has a file name (which is otherwise ignored: what a file is, its content says). A part
that no parameter takes is refused before a byte of it is stored.
"""

from typing import Final

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from adapters.http.arguments import Arguments, text_of
from adapters.http.body import Body
from adapters.http.upload import Upload
from bus.errors import InvalidArgument, TooLarge
from bus.files import Files

_MOST_PARTS: Final = 100
# RFC 2046, 5.1.1.
_BOUNDARY_BYTES: Final = 70


class _Part:
    """What is read now: its headers, and its text, or the file it goes to."""

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.header_name = bytearray()
        self.header_value = bytearray()
        self.name = ""
        self.text = bytearray()
        self.upload: Upload | None = None


class MultipartForm:
    """Reads one form into `arguments`."""

    def __init__(self, content_type: str, arguments: Arguments, files: Files, text_bytes: int) -> None:
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if not 1 <= len(boundary) <= _BOUNDARY_BYTES:
            raise InvalidArgument(
                f"Content-Type: multipart/form-data needs a boundary of 1 to {_BOUNDARY_BYTES} characters"
            )
        self._arguments = arguments
        self._files = files
        self._text_bytes_left = text_bytes
        self._text_bytes = text_bytes
        self._parts = 0
        self._part = _Part()
        self._complete = False
        self._uploads: list[tuple[str, Upload]] = []
        self._ended: list[tuple[str, Upload]] = []
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._part_data,
                "on_part_end": self._part_ends,
                "on_end": self._end,
            },
        )

    async def read(self, body: Body) -> None:
        """Take the whole form in.

        Raises
        ------
        InvalidArgument
            If it is no form, is cut off, or has a part that no parameter takes.
        """
        try:
            async for piece in body.pieces():
                self._write(piece)
                for name, upload in self._ended:
                    self._uploads.remove((name, upload))
                    try:
                        self._arguments.add_file(name, await upload.finish())
                    except BaseException:
                        upload.discard()
                        raise
                self._ended.clear()
                for _, upload in self._uploads:
                    await upload.flush()
            if not self._complete:
                raise InvalidArgument("body: the form ends before its last boundary")
        finally:
            for _, upload in self._uploads:
                upload.discard()

    def _write(self, piece: bytes) -> None:
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise InvalidArgument(f"body: not a multipart form; {error}") from None

    # ------------- what the parser calls, which itself bounds a part's headers

    def _part_begins(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise InvalidArgument(f"body: more than {_MOST_PARTS} fields")
        self._part = _Part()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._part.header_name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header_value += data[start:end]

    def _header_ends(self) -> None:
        part = self._part
        part.headers[bytes(part.header_name).lower()] = bytes(part.header_value)
        part.header_name.clear()
        part.header_value.clear()

    def _headers_end(self) -> None:
        part = self._part
        kind, options = parse_options_header(part.headers.get(b"content-disposition", b""))
        if kind != b"form-data" or b"name" not in options:
            raise InvalidArgument("body: each field needs a Content-Disposition of form-data with a name")
        part.name = text_of(options[b"name"], "body: a field's name")
        if b"filename" in options:
            self._arguments.expect_file(part.name)
            part.upload = Upload(self._files)
            self._uploads.append((part.name, part.upload))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._part.upload is not None:
            self._part.upload.feed(data[start:end])
            return
        self._text_bytes_left -= end - start
        if self._text_bytes_left < 0:
            raise TooLarge(f"body: its text is longer than {self._text_bytes} bytes")
        self._part.text += data[start:end]

    def _part_ends(self) -> None:
        part = self._part
        if part.upload is not None:
            self._ended.append((part.name, part.upload))
        else:
            self._arguments.add_text(part.name, text_of(bytes(part.text), part.name))

    def _end(self) -> None:
        self._complete = True
