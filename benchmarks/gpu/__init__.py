"""Whether the GPU path is right and where its time goes: `python -m benchmarks.gpu`."""
