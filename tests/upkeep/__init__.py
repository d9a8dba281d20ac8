"""What keeps documents, packaging and layout true as the code changes."""
