"""The persistent CUDA engine: many steps of a small network in one launch."""
