"""Where weight rows are stored: one file for each kind of memory."""
