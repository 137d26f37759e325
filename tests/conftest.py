"""Property tests run the same examples on every machine: CI never meets a case that a developer
cannot repeat.
"""

import hypothesis
from hypothesis import Phase

hypothesis.settings.register_profile(
    "repeatable", derandomize=True, deadline=None, max_examples=100, database=None
)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2000)
hypothesis.settings.register_profile(
    "unshrunk",
    parent=hypothesis.settings.get_profile("repeatable"),
    phases=(Phase.explicit, Phase.generate),
)
hypothesis.settings.load_profile("repeatable")
