"""Files of any kind: messages about them, safe reading, atomic writing."""
