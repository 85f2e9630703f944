"""The desk of those who raise people: organisers, secretaries and leaders; and the public pages of the ladders."""
