"""Files inside files: archives, mail and documents, unpacked into scratch files that are examined like any other."""

from forensics.containers.limits import InsideLimits

__all__ = ["InsideLimits"]
