"""What would have changed an outcome: a sentence for each reason code, and the settings in it."""

from __future__ import annotations

from apps.copytrading.domain.codes import Code

HINTS: dict[Code, str] = {
    Code.COPIED: "",
    Code.CAPPED: "A higher maximum volume would have copied more.",
    Code.ROUNDED_UP: "With 'skip' below the minimum nothing would have been opened.",
    Code.PARTIALLY_FILLED: "The rest is not bought later; a smaller volume may fill whole.",
    Code.NOTHING_TO_CHANGE: "",
    Code.BELOW_MINIMUM: (
        "'Round up to the minimum', a lower minimum volume, a higher multiplier or more capital "
        "would have opened it."
    ),
    Code.NOT_LINKED: "Only positions that were opened while this copy was active are followed.",
    Code.NOT_MAPPED: (
        "A pair in the copy's symbol mapping, or an account whose platform offers the symbol, "
        "would have copied it."
    ),
    Code.PAUSED: "Resuming the copy lets the next trade through.",
    Code.STOPPED: "Following the master again copies new trades.",
    Code.MASTER_PAUSED: "Copying goes on when the master is active again.",
    Code.MODULE_DISABLED: "Copying goes on when staff switch copy trading on.",
    Code.STALE_ACCOUNT: (
        "The connection of the account must be live; 'fixed' and 'multiplier' need no equity."
    ),
    Code.NO_EQUITY: (
        "A deposit, allocated capital, or the modes 'fixed' and 'multiplier' would have copied it."
    ),
    Code.NO_RATE: "The modes 'fixed', 'multiplier' and 'equity based' need no exchange rate.",
    Code.SYMBOL_IN_USE: (
        "A hedging account, or an account of its own for each master, would have copied it."
    ),
    Code.TOO_LATE: "A longer maximum delay would have let the order through.",
    Code.WITHHELD: "What held it back, a pause or a kill switch, must be lifted first.",
    Code.STOPS_OFF: "Copying stop loss or take profit would have set it.",
    Code.SUPERSEDED: "",
    Code.REJECTED: "The platform's own words say what it asks for.",
    Code.CANCELLED: "The platform's own words say why it cancelled.",
    Code.NOT_DELIVERED: "",
    Code.POSITION_GONE: "A position that was closed on the follower's side is not bought again.",
    Code.DETACHED: "What was detached is its owner's, who closes it; it is not copied again.",
    Code.OPENS_ONLY: "With 'everything' the copy closes with the master.",
    Code.CLOSES_ONLY: "With 'everything' the copy opens with the master.",
    Code.SYMBOL_FILTERED: "Other chosen symbols would have let it through.",
    Code.PARTIAL_CLOSE_OFF: "Copying partial closes would have closed the same part.",
    Code.PENDING_OFF: "Copying pending orders would have placed it.",
    Code.MAX_POSITIONS: "A higher maximum of open trades would have opened it.",
    Code.MIN_EQUITY: "A deposit or a lower minimum equity would have opened it.",
    Code.SLIPPAGE: "A higher slippage tolerance would have let it through.",
    Code.MARGIN: (
        "A smaller volume, more equity or a lower minimum margin level would have opened it."
    ),
    Code.MARKET_CLOSED: "Opens are copied while the symbol's market is open; closes wait for it.",
    Code.KILL_SWITCH: "Copying goes on when staff lift the kill switch.",
    Code.LOSS_LIMIT: "A higher loss limit would have kept the copy running.",
    Code.ALREADY_LINKED: "",
    Code.PENDING_FILLED: "",
    Code.NOT_REVERSIBLE: "Copied in the master's own direction the order would have been placed.",
}

#: The settings of a copy that decide whether an outcome has this code.
SETTINGS: dict[Code, tuple[str, ...]] = {
    Code.CAPPED: ("max_volume",),
    Code.ROUNDED_UP: ("below_minimum",),
    Code.PARTIALLY_FILLED: ("risk_multiplier", "max_volume"),
    Code.BELOW_MINIMUM: ("below_minimum", "min_volume", "risk_multiplier", "allocated_capital"),
    Code.NOT_LINKED: ("copy_existing_positions",),
    Code.PAUSED: ("enabled",),
    Code.STALE_ACCOUNT: ("volume_mode",),
    Code.NO_EQUITY: ("allocated_capital", "volume_mode"),
    Code.NO_RATE: ("volume_mode",),
    Code.TOO_LATE: ("max_delay_s",),
    Code.STOPS_OFF: ("copy_sl", "copy_tp"),
    Code.OPENS_ONLY: ("copy_mode",),
    Code.CLOSES_ONLY: ("copy_mode",),
    Code.SYMBOL_FILTERED: ("symbols_mode", "symbols"),
    Code.PARTIAL_CLOSE_OFF: ("copy_partial_close",),
    Code.PENDING_OFF: ("copy_pending_orders",),
    Code.MAX_POSITIONS: ("max_positions",),
    Code.MIN_EQUITY: ("min_equity",),
    Code.SLIPPAGE: ("max_slippage",),
    Code.MARGIN: ("min_margin_level", "risk_multiplier"),
    Code.LOSS_LIMIT: ("loss_limit",),
    Code.NOT_REVERSIBLE: ("reverse_direction",),
}
