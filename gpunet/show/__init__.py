"""Pictures: what a network learned and how, drawn with matplotlib."""
