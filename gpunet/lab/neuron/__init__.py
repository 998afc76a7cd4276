"""One neuron: what it computes, how it learns, and what is built from it."""
