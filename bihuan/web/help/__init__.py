"""Help for those who rise: needs and who takes them on, studios, pairs, the ledger, policies, and the figures of it all."""
