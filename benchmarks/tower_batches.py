"""What a process that runs the network for all workers is worth: pictures one by one, in batches, over its lines.

    python -m benchmarks.tower_batches --device cuda --pictures 256 --lines 16 --in-worker 16

The same pictures go in turns through the network as each worker has it without a device (ONNX Runtime on one thread,
where a card's batch would take a minute: `--in-worker` says how many of them), through that of the device in this
process, one by one and in batches, and through a process that has the device: over one line, as a lone worker asks, and
over as many lines as there are workers. Ratios are of the time a picture takes, with an interval from turns drawn anew.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np

from benchmarks.bare import bare_tower
from benchmarks.timing import in_turns, machine, ratio, told
from detectors.served_tower import ServedTower
from detectors.token_features import Tower
from detectors.tower_server import shipped_on
from detectors.vision_tower import SIDE_PX
from forensics.towers import TowerProcesses

WORKER, ALONE, BATCHES, ONE_LINE = "in each worker", "one by one", "in batches", "over one line"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--pictures", type=int, default=16, help="in a turn")
    parser.add_argument("--in-worker", type=int, help="of them through a worker's own network; all by default")
    parser.add_argument("--lines", type=int, default=8, help="workers that ask at once; the size of batches")
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args(arguments)
    lines = f"over {given.lines} lines"
    print(machine(), flush=True)
    with ExitStack() as stack:
        processes = stack.enter_context(TowerProcesses([given.device]))
        clients = [client(processes) for _ in range(given.lines)]
        pool = stack.enter_context(ThreadPoolExecutor(given.lines))
        in_worker = given.in_worker or given.pictures
        costs = in_turns(tasks(given.device, given.pictures, in_worker, lines, clients, pool), given.turns)
    seen = {name: in_worker if name == WORKER else given.pictures for name in costs}
    walls = {name: [cost.wall_s / seen[name] for cost in turns] for name, turns in costs.items()}
    for name, seconds in walls.items():
        print(f"{name}: {given.turns / sum(seconds):.1f} pictures a second")
    for over, under in ((ALONE, BATCHES), (ONE_LINE, ALONE), (ONE_LINE, lines), (WORKER, lines)):
        print(f"{over} takes {told(ratio(walls[over], walls[under]))} times as long as {under}")
    print(machine())
    return 0


def client(processes: TowerProcesses) -> ServedTower:
    """One that asks over a line of its own."""
    line = processes.line()
    assert line is not None
    return ServedTower(line)


def tasks(
    device: str, n: int, in_worker: int, lines: str, clients: Sequence[ServedTower], pool: ThreadPoolExecutor
) -> dict[str, Callable[[int], object]]:
    """What is measured, by name."""
    pixels = np.random.default_rng(0).integers(0, 256, (n, SIDE_PX, SIDE_PX, 3), np.uint8)
    own, size = shipped_on(device), len(clients)

    def go(tower: Tower, first: int = 0, step: int = 1, batch: int = 1, end: int = n) -> None:
        for start in range(first, end, step):
            tower.tokens(pixels[start : start + batch])

    def together(turn: int) -> None:
        list(pool.map(lambda number: go(clients[number], number, size), range(size)))

    return {
        WORKER: lambda turn: go(bare_tower(), end=in_worker),
        ALONE: lambda turn: go(own),
        BATCHES: lambda turn: go(own, 0, size, size),
        ONE_LINE: lambda turn: go(clients[0]),
        lines: together,
    }


if __name__ == "__main__":
    sys.exit(main())
