"""Exact time-to-first-spike training in PyTorch, quantisation, and export to the integer machine of
:mod:`sim`.

Begin with :mod:`train.exact.layer`, spike times in closed form with their gradients, and
:mod:`train.pipeline`, the trainable network. :mod:`train.fit` trains it, :mod:`train.export` writes
it as integers after comparing every decision, and :mod:`train.settings` names all that decides the
result.
"""
