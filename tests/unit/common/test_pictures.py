"""Pictures that people upload."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from apps.common.pictures import MOST_BYTES, square_picture


def encoded(kind: str, size: tuple[int, int] = (200, 100), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "red").save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("JPEG", "RGB"), ("WEBP", "RGB"), ("PNG", "P")]
)
def test_it_becomes_a_square_of_our_own(kind: str, mode: str) -> None:
    with Image.open(io.BytesIO(square_picture(encoded(kind, mode=mode), 256))) as image:
        assert (image.format, image.size) == ("WEBP", (256, 256))


def test_nothing_but_pixels_is_kept() -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    Image.new("RGB", (100, 100), "blue").save(out, "JPEG", exif=exif, comment=b"<script>")
    kept = square_picture(out.getvalue(), 64)
    assert b"taken at home" in out.getvalue()
    assert b"taken at home" not in kept and b"<script>" not in kept


def bomb() -> bytes:
    """A small PNG that says that it has 900 million pixels."""
    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)

    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no picture that can be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "no picture"),
        (b"GIF89a" + bytes(50), "no picture"),
        (encoded("GIF"), "no picture"),
        (encoded("PNG")[:60], "no picture"),
        (encoded("PNG", (63, 500)), "smaller than 64"),
        (encoded("PNG", (6000, 5000)), "25 million pixels"),
        (bomb(), "25 million pixels"),
        (bytes(MOST_BYTES + 1), "more than 4 MB"),
    ],
    ids=["empty", "svg", "gif-head", "gif", "cut-off", "small", "large", "bomb", "heavy"],
)
def test_what_is_no_picture_is_refused_in_words(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        square_picture(data, 256)
