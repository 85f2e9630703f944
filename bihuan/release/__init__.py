"""Publishing a version against what is live: trial runs, who has nowhere to go (C2), moving those under way (C3)."""
