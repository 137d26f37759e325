"""Property tests run the same examples on every machine: CI never meets a case that a developer cannot repeat."""

import hypothesis

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=100, database=None)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("repeatable")
