"""What can be done to a case, one function per verb, in files by phase of life."""
