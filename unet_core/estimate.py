"""How long a training will take, and how much memory, before it starts."""

import time
from pathlib import Path

import numpy as np

from unet_core.catalogue import CATALOGUE
from unet_core.config import TrainingConfig
from unet_core.runs import shipped_runs, user_runs
from unet_core.segmenter import Segmenter
from unet_core.specification import FLOAT32, Specification

# Measured on two cores at 128 x 128 pixels, batches of 16: training pictures a second.
SPEED = {
    ("mobilenetv2-fast", "frozen"): 26.0,
    ("mobilenetv2-fast", "late"): 19.0,
    ("mobilenetv2-fast", "tuned"): 10.0,
    ("mobilenetv2", "frozen"): 20.0,
    ("mobilenetv2", "late"): 18.0,
    ("mobilenetv2", "tuned"): 13.0,
}
REFERENCE = 0.020  # seconds of one prediction of the default model on the same two cores
START, EXPORT = 30.0, 12.0  # seconds: TensorFlow and the first step; the prediction model
LOADING = 0.012  # seconds to read and shrink one picture
BASE_MEMORY = 0.9e9  # bytes: TensorFlow, the network and its optimizer
GROUPS = (  # where a container's limit, use and cached files stand
    ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    (
        "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
        "total_inactive_file",
    ),
)  # fmt: skip
# The networks from scratch, measured likewise: what one training picture costs.
SECONDS_PER_MULTIPLY_ADD = 4.6e-11
SECONDS_PER_BYTE = 3.3e-9  # of its feature maps, which are written and read again
MAPS_KEPT = 2.5  # times the feature maps' memory, with gradients and what the operations need
WEIGHT_COPIES = 5  # themselves, gradients, two of the optimizer, their average
PIXEL_MEMORY = {"frozen": 2200, "late": 3000, "tuned": 5200}  # bytes a pixel of a batch


def seconds(config: TrainingConfig, tested: int, prediction: float) -> float:
    """Time for a training from its start to its end, on this machine.

    From the newest run of the same kind here, else from a table, scaled by how long one
    ``prediction`` takes here (`prediction_seconds`). ``tested``: pictures of the test split.
    """
    pictures = config.pictures or 3680
    speed = _speed_of_earlier_run(config)
    if speed is None:
        speed = _reference_speed(config) * REFERENCE / prediction
    validation = 0.4 * config.validation  # a picture takes less than half without learning
    learning = config.epochs * pictures * (1 - config.validation + validation) / speed
    return START + learning + finishing_seconds(config, tested, prediction)


def finishing_seconds(config: TrainingConfig, tested: int, prediction: float = REFERENCE) -> float:
    """Time after the last epoch: export, and evaluation on ``tested`` pictures."""
    return EXPORT + tested * (LOADING + prediction * (config.size / 256) ** 2)


def prediction_seconds() -> float:
    """The fastest of three predictions of the default model, as at 256 x 256; or the reference."""
    runs = shipped_runs()
    if not runs:
        return REFERENCE
    segmenter = Segmenter(runs[0])
    image = np.zeros((segmenter.size, segmenter.size, 3), np.uint8)
    times = []
    for _ in range(3):
        started = time.perf_counter()
        segmenter.probabilities(image)
        times.append(time.perf_counter() - started)
    return min(times) * (256 / segmenter.size) ** 2


def memory(config: TrainingConfig) -> float:
    """Bytes that the training process will take at most, roughly."""
    network = _network(config)
    if network:
        maps = MAPS_KEPT * network.training_memory * config.batch_size
        return BASE_MEMORY + maps + WEIGHT_COPIES * FLOAT32 * network.parameters
    side = config.crop or config.size
    return BASE_MEMORY + PIXEL_MEMORY[config.encoder] * config.batch_size * side**2


def _reference_speed(config: TrainingConfig) -> float:
    """Training pictures a second on the two cores that the constants were measured on."""
    network = _network(config)
    if network:
        arithmetic = SECONDS_PER_MULTIPLY_ADD * network.multiply_adds
        return 1 / (arithmetic + SECONDS_PER_BYTE * network.training_memory)
    return SPEED[config.model, config.encoder] * (128 / (config.crop or config.size)) ** 2


def _network(config: TrainingConfig) -> Specification | None:
    """What a network from scratch costs for one picture, or one window of it."""
    entry = CATALOGUE[config.model]
    if not entry.is_from_scratch:
        return None
    side = entry.unet(config.model_arguments).nearest_size(config.crop or config.size)
    return entry.specification(entry.outputs, side, config.model_arguments)


def free_memory() -> float | None:
    """Bytes that a new process can have, by the container's limit and the system; None: unknown."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(x.split()[1]) * 1024 for x in lines if x.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return None
    return min([free, *_free_in_group()])


def _free_in_group() -> list[float]:
    """What the container's limit leaves (cgroup 2, then 1); empty where there is none.

    Cached files count as free, since the system gives them up for a process that needs room.
    """
    for folder, limit, used, cached in GROUPS:
        try:
            most, now = (int((Path(folder) / name).read_text()) for name in (limit, used))
            stat = dict(x.split() for x in (Path(folder) / "memory.stat").read_text().splitlines())
            return [most - now + int(stat[cached])]
        except (OSError, ValueError, KeyError):  # no such group, or the limit is "max"
            continue
    return []


def _speed_of_earlier_run(config: TrainingConfig) -> float | None:
    kind = ("model", "model_arguments", "encoder", "size", "crop")
    for run in user_runs():
        training = run.config["training"]
        speed = run.status.get("pictures_per_second")
        if speed and all(training[key] == getattr(config, key) for key in kind):
            return speed
    return None
