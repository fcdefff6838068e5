"""Pictures that people upload: read with care, and never served as they came."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

MOST_BYTES = 4 * 1024 * 1024
MOST_PIXELS = 25_000_000
LEAST_SIDE = 64
_FORMATS = ("JPEG", "PNG", "WEBP")


def square_picture(data: bytes, side: int) -> bytes:
    """The middle of a picture as a square WebP image of ``side`` pixels, without metadata.

    ValueError with a sentence for whoever uploaded it. Sizes are judged before pixels are
    unpacked.
    """
    if len(data) > MOST_BYTES:
        raise ValueError(f"The picture has more than {MOST_BYTES // 1024 // 1024} MB.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                _check(*image.size)
                upright = ImageOps.exif_transpose(image)
                return _encoded(upright, side)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(_TOO_LARGE) from None
    except (UnidentifiedImageError, OSError, SyntaxError, EOFError, OverflowError):
        raise ValueError(
            "This is no picture that can be read; use a JPEG, PNG or WebP file."
        ) from None


def _check(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise ValueError(_TOO_LARGE)
    if min(width, height) < LEAST_SIDE:
        raise ValueError(f"The picture is smaller than {LEAST_SIDE} by {LEAST_SIDE} pixels.")


def _encoded(image: Image.Image, side: int) -> bytes:
    plain = image.convert("RGBA" if image.has_transparency_data else "RGB")
    square = ImageOps.fit(plain, (side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    square.save(out, "WEBP", quality=85, exif=b"", icc_profile=None)
    return out.getvalue()


_TOO_LARGE = (
    f"The picture has more than {MOST_PIXELS // 1_000_000} million pixels; make it smaller."
)
