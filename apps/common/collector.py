"""Python's cyclic garbage collector in processes that must not stand still."""

from __future__ import annotations

import gc


def calm() -> None:
    """Take what is loaded now out of the collector's sight, and let it run less often.

    A full collection over Django's modules takes some 60 ms, in which nothing is planned or
    sent; what lives as long as the process need not be looked at again. What a task leaves
    behind is still collected, in smaller heaps. Call it once, when everything is imported.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
