"""How a step of several parts, ranks or kernels is carried out, and how it gets its batches."""
