"""PostgreSQL and Redis from wheels, for machines that have neither.

``EmbeddedServers`` keeps both in one directory: the launcher runs their commands under its
supervisor, tests and benchmarks start and kill them directly. They listen on loopback ports
that are remembered in the directory, behind a password that never leaves it. As root,
PostgreSQL runs as an unprivileged user, who must be able to reach the directory.
"""

from apps.common.embedded.machine import (
    ServerUnavailable,
    free_port,
    port_is_free,
    postgres_folder,
    redis_program,
    stop_leftover_postgres,
)
from apps.common.embedded.servers import EmbeddedServers, postgres_answers, redis_answers

__all__ = [
    "EmbeddedServers",
    "ServerUnavailable",
    "free_port",
    "port_is_free",
    "postgres_answers",
    "postgres_folder",
    "redis_answers",
    "redis_program",
    "stop_leftover_postgres",
]
