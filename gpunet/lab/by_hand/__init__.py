"""Back-propagation in plain floats, and the library against it."""
