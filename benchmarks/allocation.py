"""What keeping freed memory brings a training: `python -m benchmarks.allocation`.

Trains the same small run in processes of their own, in turns with and without it, since timings on
shared machines drift. The first epoch, which builds and compiles, is left out. The last line is the
ratio of the medians; 1 is no gain.
"""

import csv
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 2
TRAINING = (
    "train --name run --pictures 64 --size 256 --crop 192 --epochs 4 --encoder late "
    "--encoder-weights pets-fast"
)
WITHOUT = "from unet_core import processes; processes.keep_freed_memory = lambda: None; "
COMMAND = "import sys; from unet_core.__main__ import main; sys.exit(main(sys.argv[1:]))"


def seconds(keeps: bool) -> tuple[float, float]:
    """Seconds of all epochs but the first, and the system's processor seconds of the training."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_stime
    with tempfile.TemporaryDirectory() as runs:
        subprocess.run(
            [sys.executable, "-c", COMMAND if keeps else WITHOUT + COMMAND, *TRAINING.split()],
            env=os.environ | {"UNET_RUNS_DIR": runs}, check=True, capture_output=True,
        )  # fmt: skip
        with open(Path(runs) / "run" / "history.csv") as file:
            ends = [float(row["seconds"]) for row in csv.DictReader(file)]
    system = resource.getrusage(resource.RUSAGE_CHILDREN).ru_stime - before
    return ends[-1] - ends[0], system


def main() -> None:
    found = [[seconds(keeps) for keeps in (True, False)] for _ in range(ROUNDS)]
    medians = []
    for title, measured in zip(("kept", "given back"), zip(*found, strict=True), strict=True):
        epochs, system = (statistics.median(column) for column in zip(*measured, strict=True))
        medians.append(epochs)
        print(f"freed memory {title}: 3 epochs {epochs:.1f} s, system {system:.1f} s in all")
    print(f"ratio: {medians[0] / medians[1]:.3f}")


if __name__ == "__main__":
    main()
