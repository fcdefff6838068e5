"""Passwords of the demo's sign-ins: readable, and different on every installation.

They are derived from the installation's secret key, so that each start can print them without
their being stored anywhere.
"""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings

_TEXT = """
amber anchor basalt beacon bramble canal cedar chalk cobalt copper coral delta ember fathom
fennel flint gable garnet granite harbor hazel heron indigo island juniper kelp lagoon lantern
larch linen lupin maple marble meadow mistral nutmeg oakum ocean olive onyx opal orchard osprey
pebble pepper pewter quarry quartz raven ripple rowan saddle saffron sail sierra silver sparrow
spruce thicket timber topaz tundra umber velvet walnut willow
"""
_WORDS = _TEXT.split()


def demo_password(email: str) -> str:
    """Three words and a number, the same at every start of this installation."""
    secret = settings.SECRET_KEY.encode()
    digest = hmac.new(secret, f"demo sign-in {email}".encode(), hashlib.sha256).digest()
    words = [_WORDS[int.from_bytes(digest[i : i + 4], "big") % len(_WORDS)] for i in (0, 4, 8)]
    return "-".join([*words, str(10 + int.from_bytes(digest[12:16], "big") % 90)])
