"""Learning in place: one file for each rule and its compiled form."""
