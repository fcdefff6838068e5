"""What each setting is called and what it means, for whoever sets it and whoever looks on."""

from __future__ import annotations

#: Choices of a setting: value, label, and what it means.
_CHOICES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "volume_mode": (
        (
            "equity_ratio",
            "Proportional to equity",
            "The account's equity divided by the master's decides. With a tenth of the master's "
            "equity it holds a tenth of each position.",
        ),
        (
            "balance_ratio",
            "Proportional to balance",
            "Like proportional to equity, but by balances, so that open results do not change "
            "sizes.",
        ),
        (
            "multiplier",
            "Multiplier",
            "The master's lots times a number, whatever either account holds.",
        ),
        (
            "fixed",
            "Fixed volume",
            "The same volume for every position, however large the master's.",
        ),
        (
            "equity_based",
            "By steps of equity",
            "A base volume for each amount of equity: with 0.10 lots for 5,000, an equity of "
            "12,500 opens 0.25.",
        ),
    ),
    "below_minimum": (
        (
            "skip",
            "Skip the trade",
            "Keeps to the risk; the outcome says which trade was too small.",
        ),
        (
            "round_up",
            "Open the smallest volume",
            "Misses nothing, but holds more than the share of that trade.",
        ),
    ),
    "copy_mode": (
        ("sync", "Everything", "Opens, increases, partial closes and closes follow the master."),
        (
            "open_only",
            "Opens only",
            "Opens and increases follow; closing is left to the owner of the account.",
        ),
        (
            "close_only",
            "Closes only",
            "Nothing new is opened; what is held follows the master's closes.",
        ),
    ),
    "symbols_mode": (
        ("all", "All symbols", "Whatever the master trades and the account's platform offers."),
        ("include", "Only these symbols", "Other symbols are not opened. An empty list: none is."),
        ("exclude", "All but these symbols", "These are not opened, all others are."),
    ),
    "auto_repair": (
        ("off", "Show only", "Differences are shown, and repaired when somebody says so."),
        (
            "closes",
            "Close what is too much",
            "What the copy should not hold is closed by itself; nothing is opened.",
        ),
        (
            "all",
            "Close and open",
            "What is too much is closed and what is missing is opened, at the price of that "
            "moment.",
        ),
    ),
    "manual_trading_mode": (
        (
            "disabled",
            "No trading by hand",
            "Trades that were not copied are shown as differences, and copied positions cannot "
            "be closed one by one here.",
        ),
        (
            "own_only",
            "Own trades, copies stay untouched",
            "Own positions beside the copies are fine; copied positions cannot be closed one by "
            "one here, and a change by hand is shown as a difference.",
        ),
        (
            "all",
            "Own trades and copies",
            "Copied positions may be closed or changed by hand; the copy takes it as it is.",
        ),
    ),
}

#: What a field is called.
LABELS = {
    "volume_mode": "How much is copied",
    "risk_multiplier": "Risk multiplier",
    "fixed_volume": "Volume",
    "base_equity": "For each equity of",
    "allocated_capital": "Capital for this copy",
    "below_minimum": "When the volume is below the smallest that can be traded",
    "min_volume": "Minimum volume",
    "max_volume": "Maximum volume",
    "copy_mode": "Which trades are copied",
    "copy_sl": "Copy stop loss",
    "copy_tp": "Copy take profit",
    "copy_partial_close": "Copy partial closes",
    "copy_pending_orders": "Copy pending orders",
    "copy_existing_positions": "Copy positions that the master holds already",
    "reverse_direction": "Reverse direction",
    "symbols_mode": "Which symbols are copied",
    "symbols": "Symbols",
    "auto_repair": "When the account differs from what the copy should hold",
    "enabled": "Copying is on",
    "max_positions": "Maximum open trades",
    "min_equity": "Minimum equity",
    "max_slippage": "Slippage tolerance",
    "max_delay_s": "Maximum delay",
    "loss_limit": "Loss limit",
    "min_margin_level": "Minimum margin level",
    "max_master_count": "Maximum of masters",
    "manual_trading_mode": "Trading by hand",
    "stale_account_s": "Oldest usable equity",
    "margin_warning": "Margin warning",
    "margin_critical": "Critical margin",
    "gate_daily_loss": "Daily loss",
    "gate_drawdown": "Drawdown",
    "gate_leverage": "Leverage",
    "alarm_drawdown": "Drawdown beyond its history",
    "alarm_size_growth": "Larger after losses",
    "alarm_averaging_down": "Averaging down",
    "alarm_leverage": "Sudden leverage",
    "alarm_silence": "Silence",
}

#: What a field does, in a sentence or two.
MEANINGS = {
    "risk_multiplier": "1 leaves the volume as computed, 0.5 halves it.",
    "fixed_volume": "Every copied position has this volume.",
    "base_equity": "The equity for which the base volume is meant.",
    "allocated_capital": (
        "Sizes as if the account held this much, plus what this copy has earned. 0 uses the "
        "whole account."
    ),
    "min_volume": "Smaller copies count as too small. 0: none.",
    "max_volume": "No copied position grows beyond it. 0: no limit.",
    "copy_sl": "The stop stands at the master's price and moves with it.",
    "copy_tp": "The target stands at the master's price and moves with it.",
    "copy_partial_close": (
        "When the master closes a part, the same part is closed. Otherwise the copy waits until "
        "the master closes whole."
    ),
    "copy_pending_orders": (
        "The master's resting orders rest on the account too. Otherwise the position is opened "
        "when the master's order fills."
    ),
    "copy_existing_positions": (
        "Open positions of the master that are not copied yet are opened at the current price, "
        "when the copy begins and whenever its settings are saved."
    ),
    "reverse_direction": (
        "Takes the opposite side of every trade, with stop loss and take profit swapped. "
        "Positions that are open keep their side."
    ),
    "symbols": "The master's names, separated by commas: EURUSD, GBPUSD.",
    "enabled": "Switched off, nothing new is opened; closes and stop changes still follow.",
    "max_positions": "While a copy holds so many positions it opens no other.",
    "min_equity": "Below it nothing is opened, and the copy is paused.",
    "max_slippage": (
        "A trade whose price has become worse than the master's by more is not opened. A better "
        "price is never refused."
    ),
    "max_delay_s": "A trade that could not be sent in time after the master's is not opened.",
    "loss_limit": (
        "When realised and open result, less fees, have lost so much, the copy closes what it "
        "holds and stops."
    ),
    "min_margin_level": "Nothing is opened that would leave the account below this level.",
    "max_master_count": "So many masters an account may follow at once.",
    "stale_account_s": "An older figure of an account sizes no new copy.",
    "margin_warning": (
        "A customer is warned when an account that copies uses so much of its equity as margin."
    ),
    "margin_critical": "From here on the warning is urgent; must be above the one before.",
    "gate_daily_loss": "Lost since midnight UTC, deposits and withdrawals taken out.",
    "gate_drawdown": "Below its high now, deposits and withdrawals taken out.",
    "gate_leverage": "Value of all its open positions against its equity.",
    "alarm_drawdown": "Its drawdown now against the deepest one before it.",
    "alarm_size_growth": "What it typically opens after a lost trade against that trade.",
    "alarm_averaging_down": "Entries of one symbol and side, each at a worse price than the last.",
    "alarm_leverage": "Margin in use against what it usually binds.",
    "alarm_silence": "Time without a trade against its usual pause between trades.",
}

#: Guards in the order of pages, with the unit of their value; 'money' is the account's currency.
GUARD_UNITS = {
    "max_positions": "positions",
    "min_equity": "money",
    "max_slippage": "%",
    "max_delay_s": "s",
    "loss_limit": "money",
    "min_margin_level": "%",
}


#: Settings of which one of several values is chosen.
CHOSEN = frozenset(_CHOICES)


def choices(field: str) -> list[tuple[str, str]]:
    """Values of a setting with their labels, in the order of pages."""
    return [(value, label) for value, label, _ in _CHOICES[field]]


def choice_meanings(field: str) -> dict[str, str]:
    """What each value of a setting means."""
    return {value: meaning for value, _, meaning in _CHOICES[field]}


def label_of(field: str, value: str) -> str:
    """The label of one value of a setting."""
    return dict(choices(field))[value]
