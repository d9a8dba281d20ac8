"""Speed and accuracy measurements. Never part of the tests."""
