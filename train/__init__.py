"""Exact time-to-first-spike training in PyTorch, quantisation, and export to the integer machine of
:mod:`sim`.

Begin with :mod:`train.exact.layer`, spike times in closed form with their gradients, and
:mod:`train.pipeline`, the trainable network. :mod:`train.fit` trains it, :mod:`train.export` writes
it as integers after comparing every decision, and :mod:`train.settings` names all that decides the
result.
"""

import os

# PyTorch's threads wait for one another at the end of every operation. Operations are small here,
# so where other work takes a core, waiting by turning in circles costs a hundred times as much as
# they do; this is read when PyTorch is first imported
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
