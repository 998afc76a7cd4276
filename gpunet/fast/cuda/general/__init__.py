"""The general CUDA engine: any row of dense layers, one step at a time."""
