"""Daily returns for the comparison with empyrical and quantstats."""

from __future__ import annotations

import numpy as np
import pandas as pd

from apps.analytics.domain.standing import FloatArray

DAYS = 120


def families(seed: int, records: int) -> dict[str, FloatArray]:
    """Records of different characters, each a row of daily returns without gaps."""
    random = np.random.default_rng(seed)
    shape = (records, DAYS)
    calm = random.normal(0.0004, 0.008, shape)
    wild = np.clip(random.standard_t(2.5, shape) * 0.012, -0.9, 2.0)
    idle = np.where(random.random(shape) < 0.7, 0.0, random.normal(0, 0.01, shape))
    falling = random.normal(-0.004, 0.006, shape)
    martingale = np.where(random.random(shape) < 0.04, -0.12, np.abs(random.normal(0.004, 0.002)))
    jumps = calm + np.where(random.random(shape) < 0.02, random.normal(0, 0.1, shape), 0)
    return {
        "calm": calm,
        "wild": wild,
        "idle": idle,
        "falling": falling,
        "martingale": martingale + random.normal(0, 0.001, shape),
        "jumps": jumps,
    }


def as_frame(grid: FloatArray, start: str = "2025-01-03") -> pd.DataFrame:
    """Days down, records across, as the libraries take them."""
    return pd.DataFrame(grid.T, index=pd.date_range(start, periods=grid.shape[1], freq="D"))
