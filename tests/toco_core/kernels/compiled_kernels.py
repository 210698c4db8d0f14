"""Compile every kernel for GPUs that need not be there: `python -m ...compiled_kernels`."""

from __future__ import annotations

from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from toco_core.kernels import colour, lattice, par

U8, I32, I64, F32 = "*u8", "*i32", "*i64", "*fp32"  # what pointers point to
JITTER = [U8, I32, F32]
LATTICE = {"D": 5, "POINTS": 128, "COLUMNS": 8}
AVERAGE = {"N": 48, "PIXELS": 128, "CHANNELS": 16}
KERNELS: list[tuple[Any, list[str], dict[str, int]]] = [
    (lattice._corners, [F32, F32, I64, I64, F32, "i32", "i32"], LATTICE),
    (par._weigh, [F32, I32, F32, F32, "i32", "i32", "fp32", "fp32"], {"N": 48, "PIXELS": 128}),
    (par._average, [F32, F32, I32, F32, "i32", "i32", "i32"], AVERAGE),
    (colour._grey_sums, [*JITTER, F32, "i32", "i32"], {"PIXELS": 512}),
    (colour._jitter, [*JITTER, I32, F32, U8, "i32"], {"PIXELS": 512}),
    (colour._blur_rows, [U8, F32, F32, "i32", "i32", "i32"], {"PIXELS": 512}),
    (colour._blur_columns, [F32, F32, I32, F32, F32, F32, "i32", "i32", "i32"], {"PIXELS": 512}),
]


def compile_kernel(
    kernel: Any, types: list[str], constants: dict[str, int], capability: int
) -> str:
    """Return the kernel's code for a GPU of this compute capability."""
    names = kernel.arg_names
    signature = dict(zip(names, [*types, *["constexpr"] * len(constants)], strict=True))
    places = {(names.index(name),): value for name, value in constants.items()}
    source = ASTSource(fn=kernel, signature=signature, constexprs=places)
    return triton.compile(source, target=GPUTarget("cuda", capability, 32)).asm["ptx"]


if __name__ == "__main__":
    for capability in (80, 90):
        for kernel, types, constants in KERNELS:
            code = compile_kernel(kernel, types, constants, capability)
            print(kernel.__name__, capability, len(code))
