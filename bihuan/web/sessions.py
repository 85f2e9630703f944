"""Sessions in the database, as Django keeps them, read by a query written out once: every page reads one."""

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.models import Session
from django.utils import timezone

from bihuan.net.prepared import Prepared

LIVING: Prepared[Session] = Prepared(lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now))


class SessionStore(DatabaseSessions):
    def _get_session_from_db(self) -> Session | None:
        found = LIVING.first(key=self.session_key, now=timezone.now())
        if found is None:
            self._session_key = None
        return found
