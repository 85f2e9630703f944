"""A database connection that died while its thread was idle is noticed before it is used.

Connections stay open between requests. After the server went away each of them would fail one request; asking the
server first (CONN_HEALTH_CHECKS) costs every request a round trip. But an idle connection has nothing to read, unless
its other end said goodbye: asking the kernel costs a microsecond.
"""

import select
from typing import Any

from django.db import connection
from psycopg import OperationalError


def drop_dead_connection(**_: Any) -> None:
    """Close this thread's connection when its server is gone; the next query then opens a new one."""
    held = connection.connection
    if held is not None and not connection.in_atomic_block and _has_something_to_say(held):
        connection.close()


def _has_something_to_say(held: Any) -> bool:
    poll = select.poll()
    try:
        poll.register(held.fileno(), select.POLLIN)
    except OperationalError:  # closed on our side already
        return True
    return bool(poll.poll(0))
