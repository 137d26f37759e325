"""A GPU that is not there: its tensors compute on the host, and raise where a GPU's could not meet
the host's.
"""

import sys
from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("meta")
"""The name of a device that every PyTorch knows and that nothing here uses."""

COPIES = (torch.ops.aten.copy_.default, torch.ops.aten._to_copy.default)
INDEX = torch.ops.aten.index.Tensor


class Away(Tensor):
    """A tensor of that device; ``host`` holds its numbers."""

    device = DEVICE

    @staticmethod
    def __new__(cls, host):
        result = Tensor._make_wrapper_subclass(
            cls, host.shape, strides=host.stride(), dtype=host.dtype
        )
        result.host = host
        return result

    def cpu(self):
        return self.host.clone()

    def numpy(self):
        raise TypeError("this tensor is not on the CPU")

    @classmethod
    def __torch_dispatch__(cls, function, types, arguments=(), options=None):
        return compute(function, arguments, options or {})


class Everywhere(TorchDispatchMode):
    """Sees also what makes tensors from none."""

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        return compute(function, arguments, options or {})


def compute(function, arguments, options):
    """Run one operation of PyTorch on the host; its results are where PyTorch would have them."""
    asked = options.get("device")
    operands = tree_leaves(
        arguments[0] if function is INDEX else (arguments, options)
    )  # indices may be on the host
    operands = [tensor for tensor in operands if isinstance(tensor, Tensor)]
    away = {id(tensor.host): tensor for tensor in operands if isinstance(tensor, Away)}
    if away and function not in COPIES:
        near = [
            tensor.shape for tensor in operands if not isinstance(tensor, Away) and tensor.dim()
        ]
        assert not near, (
            f"{function}: {near} on the host, {[tensor.shape for tensor in away.values()]} not"
        )
    on_host = tree_map(
        lambda value: value.host if isinstance(value, Away) else value, (arguments, options)
    )
    result = function(
        *on_host[0], **(on_host[1] if asked is None else on_host[1] | {"device": "cpu"})
    )
    if function is COPIES[0]:
        return arguments[0]
    if not (away if asked is None else torch.device(asked) == DEVICE):
        return result

    def there(value):
        if id(value) in away:  # an operation in place returns its operand
            return away[id(value)]
        return Away(value) if isinstance(value, Tensor) else value

    return tree_map(there, result)


@contextmanager
def pretended():
    """While this lasts, the device is there."""
    overwrite = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    optimizer = sys.modules["torch.optim.optimizer"]  # torch.optim hides it
    try:
        with (
            patch.object(optimizer, "_get_fused_kernels_supported_devices", lambda: [DEVICE.type]),
            Everywhere(),
        ):
            yield
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(overwrite)
