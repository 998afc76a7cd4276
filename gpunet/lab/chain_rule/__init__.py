"""Every factor of the chain rule, and the changes that one example asks for."""
