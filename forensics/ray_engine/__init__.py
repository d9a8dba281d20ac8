"""Examines files on the machines of a Ray cluster: paths, names and reports travel, never pixels.

`Station` is what runs there, one a processor: a pool with one worker. `RayPool` is what a run talks to here; `Crew`
starts the stations and misses those that die, a `Link` knows what one of them has in hands. A `Post` runs the network
on a graphics card for the stations of its machine; `Posts` are all of them.
"""

from forensics.ray_engine.ray_pool import RayPool

__all__ = ["RayPool"]
