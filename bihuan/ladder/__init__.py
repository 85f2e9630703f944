"""A person's (or unit's) rise: standings, gates, passes, votes, public notices, appeals, places, ranking, duties."""
