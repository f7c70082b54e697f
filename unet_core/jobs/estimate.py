"""How long a training will take, and how much memory, before it starts."""

import math
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

import numpy as np

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.architectures.specs import FLOAT32, Specification
from unet_core.errors import UserError
from unet_core.prediction.segmenter import Segmenter
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import Run, shipped_runs, user_runs

# Measured on two cores at 128 x 128 pixels, batches of 16: training images a second.
SPEED = {
    ("mobilenetv2-fast", "frozen"): 26.0,
    ("mobilenetv2-fast", "late"): 19.0,
    ("mobilenetv2-fast", "tuned"): 10.0,
    ("mobilenetv2", "frozen"): 20.0,
    ("mobilenetv2", "late"): 18.0,
    ("mobilenetv2", "tuned"): 13.0,
}
REFERENCE = 0.032  # seconds of one prediction of the default model on one of the same cores
TWO_CORES = 0.56  # of that, on both
START, EXPORT = 30.0, 12.0  # seconds: TensorFlow and the first step; the prediction model
LOADING = {"synthetic": 0.08}  # seconds of one core to draw, or to read, and to shrink one image
OTHER_LOADING = 0.012
VALIDATION = 0.4  # what an image costs without learning, of what it costs with it
PREDICTION = 0.25  # the same in the exported network
WARM_UP = 4  # first steps of a process, slow by tracing and filling caches: not measured
TIMED = 10  # steps that a run must have beyond them for its speed to count
LATEST = 5  # runs whose median is taken
MIN_STEPS, MIN_STEPS_FROM_NOTHING = 10, 90  # after which a training is of any use
FASTER, SLOWER = 0.2, 5.0  # limits of what another machine's speed is taken for
BASE_MEMORY = 0.9e9  # bytes: TensorFlow, the network and its optimizer
# The networks from scratch, measured likewise: what one training image costs.
SECONDS_PER_MULTIPLY_ADD = 4.6e-11
SECONDS_PER_BYTE = 3.3e-9  # of its feature maps, which are written and read again
MAPS_KEPT = 2.5  # times the feature maps' memory, with gradients and what the operations need
WEIGHT_COPIES = 5  # themselves, gradients, two of the optimizer, their average
SAME_IMAGES = ("data", "max_images", "image_size", "seed", "val_fraction")  # settings
SAME_WORK = (  # settings that decide how long a step takes
    *("model", "model_arguments", "data", "image_size", "score_size", "crop_size", "batch_size"),
    *("loss", "weight_map", "optimizer", "ema_momentum"),
    *("freeze_encoder", "fine_tune_from", "augmentation"),
)
PIXEL_MEMORY = {"frozen": 2200, "late": 3000, "tuned": 5200}  # bytes a pixel of a batch


class Pace:
    """How long the steps of a training take once it runs evenly, and the pauses between epochs."""

    def __init__(self) -> None:
        self.steps = 0
        self._latest: deque[float] = deque(maxlen=500)
        self._pauses: list[float] = []
        self._mark = 0.0

    def begin_epoch(self) -> None:
        """The next step begins now; before it, the last epoch was validated and kept."""
        now = time.perf_counter()
        if self.steps:
            self._pauses.append(now - self._mark)
        self._mark = now

    def step(self) -> None:
        """A step has ended, and the next one begins."""
        now = time.perf_counter()
        self.steps += 1
        if self.steps > WARM_UP:
            self._latest.append(now - self._mark)
        self._mark = now

    @property
    def step_seconds(self) -> float | None:
        """The mean of the middle half of the latest steps; None before there is a steady one.

        A mean, since batches that were fetched ahead make steps of two kinds; of the middle, since
        a moment's load makes a few very long.
        """
        if not self._latest:
            return None
        ordered = np.sort(self._latest)
        outer = len(ordered) // 4
        return float(ordered[outer : len(ordered) - outer].mean())

    def pause_seconds(self, steps: int, validation: float) -> float:
        """The usual pause; by the speed of the steps until a second one, the first being slow.

        ``steps``: of an epoch. ``validation``: part of the images that are not trained on.
        """
        if len(self._pauses) > 1:
            return median(self._pauses[1:])
        return VALIDATION * steps * (self.step_seconds or 0) * validation / (1 - validation)


@dataclass(frozen=True)
class ImageCounts:
    """How many images a training has to deal with."""

    training: int
    validation: int
    tested: int


@dataclass(frozen=True)
class Earlier:
    """What a run on this machine took, in seconds."""

    settings: dict
    preparing: float  # an image
    step: float
    pause: float  # between two epochs
    fixed: float  # all that does not grow with the images: start, tracing, export
    evaluating: float
    images: ImageCounts


def seconds(config: TrainingConfig, images: ImageCounts, prediction: float) -> float:
    """Time for a training from its start to its end, on this machine, early stopping apart.

    From the latest runs of the same kind here; else from a table, scaled by how the latest runs of
    other kinds compare to it, or by how long one ``prediction`` takes (`prediction_seconds`).
    """
    earlier = _earlier_runs()
    alike = _alike(config, earlier)
    known = alike or earlier[:LATEST]
    slowness = _slowness(known, prediction)
    fixed = _median((run.fixed for run in known), (START + EXPORT) * slowness)
    step = _median((run.step for run in alike), _reference_step(config) * slowness)
    validating = VALIDATION * step / config.batch_size  # an image
    more = ((run, images.validation - run.images.validation) for run in alike)
    pauses = (max(0.0, run.pause + count * validating) for run, count in more)
    pause = _median(pauses, images.validation * validating)
    epoch = images.training / config.batch_size * step + pause
    preparing = _preparing_seconds(config, images, earlier, slowness)
    evaluating = _evaluating_seconds(config, images.tested, prediction, alike)
    return preparing + fixed + config.epochs * epoch + evaluating


def finishing_seconds(config: TrainingConfig, tested: int, prediction: float = REFERENCE) -> float:
    """Time after the last epoch: export, and evaluation on ``tested`` images."""
    alike = _alike(config, _earlier_runs())
    return EXPORT + _evaluating_seconds(config, tested, prediction, alike)


def too_short(config: TrainingConfig, images: int) -> str:
    """A sentence where a training on so many ``images`` ends before its masks can be of use.

    Empty where it does not. Measured on synthetic pets: a pretrained encoder is ahead of
    calling all background after 10 steps, a network from nothing after 90.
    """
    steps = config.epochs * math.ceil(images / config.batch_size)
    is_new = CATALOGUE[config.model].is_from_scratch or config.encoder_weights == "none"
    needed = MIN_STEPS_FROM_NOTHING if is_new else MIN_STEPS
    if steps >= needed:
        return ""
    return (
        f"That is {steps} step{'s' if steps > 1 else ''} of learning; this network needs about "
        f"{needed} before its masks are better than none. Choose more pictures, more epochs or a "
        "smaller batch."
    )


def prediction_seconds() -> float:
    """What a prediction of the default model takes on an idle core, as at 256 x 256; the reference
    where no model is shipped.

    The time of the processor, not of the clock, and the minimum of several: what else the machine
    does at this moment must not count.
    """
    runs = shipped_runs()
    if not runs:
        return REFERENCE
    segmenter = Segmenter(runs[0], threads=1)
    image = np.zeros((segmenter.size, segmenter.size, 3), np.uint8)
    times = []
    for _ in range(8):
        started = time.thread_time()
        segmenter.probabilities(image)
        times.append(time.thread_time() - started)
    return min(times[1:]) * (256 / segmenter.size) ** 2


def _median(values: Iterable[float], otherwise: float) -> float:
    """The median; ``otherwise`` where there are no values."""
    found = list(values)
    return median(found) if found else otherwise


def _slowness(known: list[Earlier], prediction: float) -> float:
    """How many times longer this machine takes than the table says."""
    steps = ((run.step, _reference_step(TrainingConfig(**run.settings))) for run in known)
    ratio = _median((here / there for here, there in steps), prediction / REFERENCE)
    return min(max(ratio, FASTER), SLOWER)


def _preparing_seconds(
    config: TrainingConfig, images: ImageCounts, earlier: list[Earlier], slowness: float
) -> float:
    """Time to read and shrink the images; none where a run has left them ready."""
    values = config.to_dict()
    if any(all(run.settings[key] == values[key] for key in SAME_IMAGES) for run in earlier):
        return 0.0
    image = _loading_seconds(config.data) / 2  # by both cores
    here = [run.preparing for run in earlier if run.settings["data"] == config.data]
    here = [seconds for seconds in here if seconds > image / 4][:LATEST]  # others found it done
    return (images.training + images.validation) * _median(here, image * slowness)


def _loading_seconds(data: str) -> float:
    return LOADING.get(data, OTHER_LOADING)


def _evaluating_seconds(
    config: TrainingConfig, tested: int, prediction: float, alike: list[Earlier]
) -> float:
    cost = TWO_CORES * prediction * (config.image_size / 256) ** 2
    if network := _network(config.changed(crop_size=None)):
        cost = PREDICTION * _network_seconds(network) * prediction / REFERENCE
    image = _loading_seconds(config.data) + cost
    return _median((run.evaluating for run in alike), tested * image)


def memory(config: TrainingConfig) -> float:
    """Bytes that the training process will take at most, roughly."""
    network = _network(config)
    if network:
        maps = MAPS_KEPT * network.training_memory * config.batch_size
        return BASE_MEMORY + maps + WEIGHT_COPIES * FLOAT32 * network.parameters
    side = config.crop_size or config.image_size
    return BASE_MEMORY + PIXEL_MEMORY[_learning_part(config)] * config.batch_size * side**2


def _learning_part(config: TrainingConfig) -> str:
    """How much of a pretrained encoder learns, as the tables above name it."""
    if config.freeze_encoder:
        return "frozen"
    return "late" if config.fine_tune_from else "tuned"


def _reference_step(config: TrainingConfig) -> float:
    """Seconds of a step on the two cores that the constants were measured on."""
    network = _network(config)
    if network:
        image = _network_seconds(network)
    else:
        side = config.crop_size or config.image_size
        image = (side / 128) ** 2 / SPEED[config.model, _learning_part(config)]
    return config.batch_size * image


def _network_seconds(network: Specification) -> float:
    """What one image costs to learn from."""
    arithmetic = SECONDS_PER_MULTIPLY_ADD * network.multiply_adds
    return arithmetic + SECONDS_PER_BYTE * network.training_memory


def _network(config: TrainingConfig) -> Specification | None:
    """What a network from scratch costs for one image, or one window of it."""
    entry = CATALOGUE[config.model]
    if not entry.is_from_scratch:
        return None
    side = entry.unet(config.model_arguments).nearest_size(config.crop_size or config.image_size)
    return entry.specification(entry.outputs, side, config.model_arguments)


def _alike(config: TrainingConfig, earlier: list[Earlier]) -> list[Earlier]:
    """The latest runs whose steps did the same work."""
    values = config.to_dict()
    return [run for run in earlier if all(run.settings[n] == values[n] for n in SAME_WORK)][:LATEST]


def _earlier_runs() -> list[Earlier]:
    """What the runs on this machine took, the newest first, without those that ended early."""
    return [earlier for run in user_runs() if (earlier := _measured(run))]


def _measured(run: Run) -> Earlier | None:
    """What the run took; None where it did not run steadily to its metrics, or is damaged."""
    try:
        status, settings = run.status, TrainingConfig().to_dict() | run.config["training"]
        settings = TrainingConfig.from_dict(settings).to_dict()
        pace, phases, counts = status["pace"], status["phase_seconds"], run.config["images"]
        step, pause = float(pace["step"]), float(pace["pause"])
        if pace["steps"] < WARM_UP + TIMED or not 0 < step < math.inf:
            return None
        _reference_step(TrainingConfig(**settings))  # of a network that there is
        images = ImageCounts(counts["training"], counts["validation"], 0)
        epochs = pace["steps"] / -(-images.training // settings["batch_size"])
        learning = pace["steps"] * step + epochs * pause
        evaluating = float(phases["Evaluating"])
        preparing = phases.get("Preparing pictures", 0.0)
        fixed = max(0.0, sum(phases.values()) - evaluating - preparing - learning)
        preparing /= images.training + images.validation
        return Earlier(settings, preparing, step, pause, fixed, evaluating, images)
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError, UserError):
        return None
