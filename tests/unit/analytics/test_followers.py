"""What followers earned: median and share in profit, and nothing below five of them."""

from __future__ import annotations

import numpy as np
import pytest

from apps.analytics.domain.followers import follower_figures
from apps.analytics.domain.standing import Figure, Standing

TOO_FEW = Figure(None, Standing.TOO_FEW_FOLLOWERS)


def test_medians_of_many_masters_are_numpy_s() -> None:
    random = np.random.default_rng(4)
    master = random.integers(0, 60, 700)
    returns = random.normal(0, 0.2, 700).round(2)
    returns[random.random(700) < 0.1] = np.nan
    table = follower_figures(master, returns, 61)
    for number in range(60):
        mine = returns[(master == number) & ~np.isnan(returns)]
        row = table.row(number)
        assert row["followers"].value == len(mine)
        if len(mine) >= 5:
            assert row["followers_median"].value == pytest.approx(np.median(mine))
            assert row["followers_in_profit"].value == pytest.approx(np.mean(mine > 0))
        else:
            assert row["followers_median"] == row["followers_in_profit"] == TOO_FEW
    assert table.row(60) == {
        "followers": Figure(0.0),
        "followers_median": TOO_FEW,
        "followers_in_profit": TOO_FEW,
    }


def test_four_are_too_few_and_five_are_enough() -> None:
    returns = np.array([0.1, -0.2, 0.0, 0.3, np.inf])
    nobody = np.zeros(5, dtype=np.int64)
    assert follower_figures(nobody, returns, 1).row(0)["followers_median"] == TOO_FEW
    returns[4] = 0.05
    row = follower_figures(nobody, returns, 1).row(0)
    assert (row["followers_median"].value, row["followers_in_profit"].value) == (0.05, 0.6)
    assert str(TOO_FEW) == "Too few followers (fewer than 5)"


def test_no_followers_and_no_masters() -> None:
    none = np.zeros(0)
    assert len(follower_figures(none.astype(np.int64), none, 0)) == 0
    with pytest.raises(ValueError, match="numbered from 0 to 1"):
        follower_figures(np.array([2]), np.array([0.1]), 2)
