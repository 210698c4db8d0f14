"""What a GPU does in one kernel and tensors in many: Triton kernels, and their operators.

Each has a version in tensors beside the mathematics, which is its reference and serves CPUs.
"""
