"""Who is killed when: seeded, so that a seed names a run."""

from __future__ import annotations

import signal
import time
from random import Random

from apps.benchmarks.chaos.stage import Say, Stage

LEASE_S = 5.0
_VICTIMS = {
    "worker": 26,
    "gateway": 12,
    "postgres": 17,
    "redis": 18,
    "venue": 17,
    "upkeep": 6,
    "beat": 4,
}
_FREEZE_CHANCE = 0.35  # of a strike at the gateway
# Now and then blow on blow; otherwise long enough to copy something that can be interrupted.
_BLOW_CHANCE = 0.3
_BLOW_S, _GAP_S = (0.3, 1.5), (3.0, 9.0)
_DOWN_S = (0.05, 1.2)


class Strikes:
    """Kills one process after the other and brings each back a moment later."""

    def __init__(self, stage: Stage, seed: int, say: Say) -> None:
        self._stage = stage
        self._chance = Random(f"strikes/{seed}")
        self._say = say
        self.kills = 0
        self.freezes = 0
        self.last_kill = time.monotonic()

    def run(self, kills: int) -> None:
        """Strike until so many were killed; the last strike is a kill."""
        while self.kills < kills:
            blow = self._chance.random() < _BLOW_CHANCE
            time.sleep(self._chance.uniform(*(_BLOW_S if blow else _GAP_S)))
            self._strike(last=self.kills + 1 >= kills)
            self._stage.rig.check()

    def _strike(self, *, last: bool) -> None:
        victim = self._chance.choices(list(_VICTIMS), list(_VICTIMS.values()))[0]
        if victim != "gateway":
            self._kill(victim)
        elif last or self._chance.random() >= _FREEZE_CHANCE:
            self._kill(self._stage.gateway)
        elif self._chance.random() < 0.5:
            self._freeze()
        else:
            self._freeze_and_replace()

    def _kill(self, name: str) -> None:
        self.last_kill = self._stage.kill(name)
        self.kills += 1
        self._say(f"  {self.kills}: {name}")
        time.sleep(self._chance.uniform(*_DOWN_S))
        self._stage.restart(name)

    def _freeze(self) -> None:
        """Stop the gateway until its lease is over; it must notice that by itself."""
        name = self._stage.gateway
        self._hold(name)
        self._say(f"  {name} was stopped and continued")

    def _freeze_and_replace(self) -> None:
        """A second gateway takes over while the first is stopped; then the first goes on."""
        old = self._stage.gateway
        new = self._stage.gateway = "gateway-b" if old == "gateway" else "gateway"
        self._stage.rig.gateway(new)
        self._hold(old)
        time.sleep(self._chance.uniform(1, 3))
        self.last_kill = self._stage.kill(old)
        self.kills += 1
        self._say(f"  {self.kills}: {old}, stopped, overtaken by {new} and continued")

    def _hold(self, name: str) -> None:
        self.freezes += 1
        self._stage.rig.signal(name, signal.SIGSTOP)
        try:
            time.sleep(LEASE_S + self._chance.uniform(0.5, 4))
        finally:
            self._stage.rig.signal(name, signal.SIGCONT)
