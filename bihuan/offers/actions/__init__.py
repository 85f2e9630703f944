"""Everything that changes an offer, a plan, a pairing or a studio: one function an act."""
