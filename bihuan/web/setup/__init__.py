"""The administrator's desk: sheets, units, people, calendar, keys, audit. No resident's matter is seen here."""
