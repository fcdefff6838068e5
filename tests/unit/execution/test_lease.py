"""A lease's own deadline, and how a sender obeys it."""

from __future__ import annotations

from apps.execution.gateway.lease import Lease


def test_a_lease_ends_by_its_own_clock() -> None:
    time = [100.0]
    lease = Lease(1, "me", 3, deadline=104.7, send_from=106.0, clock=lambda: time[0])
    assert lease.valid()
    assert lease.wait_s() == 6.0
    time[0] = 104.7
    assert not lease.valid()
    time[0] = 200.0
    assert lease.wait_s() == 0.0
