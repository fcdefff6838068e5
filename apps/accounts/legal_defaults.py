"""The texts with which an installation begins, until the house publishes its own."""

from __future__ import annotations

RISK = """\
This is the general text that comes with the software. It is no advice, and it was not written \
for the law of your country. Whoever runs this site must replace it with a disclosure of their \
own before customers trade real money.

Trading currencies, metals, indices, shares, crypto assets and contracts on them is risky. \
Prices can move fast and far, and a position with leverage loses a multiple of what the price \
moves. You can lose all the money on an account, and where your broker does not protect you \
from a negative balance, more than that. Use only money that you can afford to lose.

Copying does not make trading safer. When you follow a master, trades are opened and closed on \
your account without asking you each time. You stay responsible for them as if you had placed \
each of them yourself, and you can end copying at any time.

What a master earned in the past says nothing certain about what comes. Figures, rankings, risk \
scores and rehearsals on this site look back. A rehearsal computes what past trades would have \
made with today's settings, prices and costs; it cannot know delays, gaps and refusals.

Your result differs from the master's. Your orders are sent later than the master's and may be \
filled at other prices. Volumes are rounded to what your platform trades, trades may be skipped \
by your settings, by guards, by missing margin, or because a symbol or a market is not \
available. Spreads, commissions, swaps, fees and exchange rates differ from account to account.

Technology fails. Connections break, platforms refuse or delay orders, and services stop. A \
position can then stay open longer than you or the master wanted. Stop losses lessen this risk \
and do not remove it: in a gap they are filled at the next price there is.

A master is a customer like you. Masters may take risks that do not suit you, change how they \
trade, or stop. Nobody here examines whether a master suits your knowledge, your aims or your \
means. If you are not sure, ask an independent adviser before you follow anybody.
"""

TERMS = """\
This is the general text that comes with the software. Whoever runs this site, the house, must \
replace it with terms of its own before customers trade real money.

The house offers a technical service: it reads what the masters whom you choose do on their \
accounts, and sends orders to your own trading account by the settings that you make. It does \
not manage your money, gives no advice and recommends no master. The contract about your \
trading account stands between you and your broker.

By starting a copy you instruct the house to place, change, cancel and close orders on the \
account that you choose, for as long as the copy runs. You can pause or stop it at any time, \
for all trades or for a single position, and trade by hand at any time. An order that is under \
way already may still be filled.

You decide how much is copied, and you answer for it. Check the settings before you start, look \
after your account while copies run, and keep enough margin on it. You say that the account is \
yours, and that you may trade on it.

Guards such as a maximum slippage, a loss limit or a minimum margin level hold orders back or \
end a copy when their moment comes. They work by the prices and balances that are known then, \
and are no promise of a result.

The house may pause copying, a master, a platform or an account when it must keep customers, \
masters or markets from harm, when a platform fails, or when the law asks for it. It tells you \
what it holds back. Positions that are open can still be closed.

For every trade of a master the house keeps what became of it on your account, with the reason, \
and shows it to you. If you find something wrong, say so soon. Where a master asks for fees, \
they stand on the master's page and with your copy before you start.

These terms may change. A new version is shown to you before you follow the next master, and \
holds from then on. Copies that run already go on under the version that you accepted for them.
"""

DEFAULTS = {"risk": RISK, "terms": TERMS}
