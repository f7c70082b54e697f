"""Time and memory before a training starts."""

import pytest

from unet_core.data import open_dataset
from unet_core.jobs import estimate, memory
from unet_core.jobs.estimate import REFERENCE, WARM_UP, ImageCounts, Pace
from unet_core.jobs.new_runs import split_names
from unet_core.jobs.protocol import Reporter
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import Run, create_run

CONFIG = TrainingConfig(max_images=100, val_fraction=0.1, epochs=5, image_size=128)
IMAGES = ImageCounts(90, 10, 100)
PHASES = {
    "Starting": 0.5,
    "Preparing pictures": 7.0,
    "Loading TensorFlow": 6.0,
    "Building the network": 4.0,
    "Training": 60.0,
    "Validating": 20.0,
    "Exporting": 8.0,
    "Evaluating": 13.0,
}


def finished(name: str, config: TrainingConfig = CONFIG, **status) -> Run:
    """A run of 12 steps an epoch and 5 epochs: a step takes 0.9 s, a pause 2 s."""
    facts = {"title": name, "training": config.to_dict(), "classes": []}
    run = create_run(facts | {"images": {"training": 90, "validation": 10}}, name)
    pace = {"step": 0.9, "pause": 2.0, "steps": 60}
    run.write_status(**({"state": "done", "pace": pace, "phase_seconds": PHASES} | status))
    return run


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The time, to be set by hand."""
    now = [100.0]
    monkeypatch.setattr(estimate.time, "perf_counter", lambda: now[0])
    return now


def test_a_training_too_short_to_be_of_use_is_told():
    small = TrainingConfig(max_images=40, epochs=2, batch_size=8)
    assert not estimate.too_short(small, 36)  # ten steps of a decoder over a trained encoder
    assert "5 steps" in estimate.too_short(small.changed(epochs=1), 36)
    scratch = small.changed(model="compact")
    assert "about 90" in estimate.too_short(scratch, 36)
    assert not estimate.too_short(scratch.changed(epochs=18), 36)
    new = small.changed(encoder_weights="none", freeze_encoder=False)
    assert estimate.too_short(new, 36)


def test_an_earlier_run_of_the_same_kind_tells_the_time():
    finished("earlier")
    # of 98.5 s without preparing and evaluating, 60 steps took 54 and 5 pauses 10
    fixed = 34.5
    assert estimate.seconds(CONFIG, IMAGES, 0.04) == pytest.approx(
        fixed + 5 * (90 / 8 * 0.9 + 2) + 13
    )
    # twice the images: not prepared yet, at 0.07 s; twice the steps; 10 more to validate at 0.4
    more = estimate.seconds(CONFIG.changed(max_images=200), ImageCounts(180, 20, 100), 0.04)
    assert more == pytest.approx(
        200 * 0.07 + fixed + 5 * (180 / 8 * 0.9 + 2 + 10 * 0.4 * 0.9 / 8) + 13
    )


@pytest.mark.parametrize(
    "change",
    [
        {"data": "pets"},
        {"batch_size": 16},
        {"loss": "dice"},
        {"augmentation": "none"},
        {"freeze_encoder": False, "fine_tune_from": 7},
        {"image_size": 96},
        {"crop_size": 96},
        {"model": "mobilenetv2"},
    ],
)
def test_a_run_of_another_kind_tells_only_how_fast_the_machine_is(change):
    finished("earlier")
    assert estimate._alike(CONFIG, estimate._earlier_runs())
    assert not estimate._alike(CONFIG.changed(**change), estimate._earlier_runs())
    # 8 images in 0.9 s, where the table says 26 a second: 2.925 times slower
    slower = TrainingConfig(batch_size=16, max_images=100, epochs=5)
    expected = 34.5 + 5 * (90 + 0.4 * 10) * 2.925 / 26
    evaluating = 100 * (0.08 + estimate.TWO_CORES * 0.032 / 4)
    assert estimate.seconds(slower, IMAGES, 0.032) == pytest.approx(expected + evaluating)


@pytest.mark.parametrize(
    "status",
    [
        {"pace": {"step": 30.0, "pause": 0.0, "steps": 1}},
        {"pace": None},
        {"pace": {"step": "x", "pause": 0, "steps": 60}},
        {"pace": {"step": float("nan"), "pause": 0, "steps": 60}},
        {"pace": [3]},
        {"phase_seconds": {"Training": 60.0}},
        {"phase_seconds": 7},
        {"phase_seconds": {"Evaluating": None}},
        {"pace": {"step": 30.0, "pause": 0.0, "steps": "many"}},
    ],
)
def test_a_run_that_ended_at_once_or_is_spoilt_tells_nothing(shipped, status):
    without = estimate.seconds(CONFIG, IMAGES, 0.02)
    finished("stopped", **status)
    assert estimate.seconds(CONFIG, IMAGES, 0.02) == without


def test_pictures_that_lay_ready_do_not_tell_how_long_they_take_to_prepare(shipped):
    first, again, other = (PHASES | {"Preparing pictures": s} for s in (7.0, 0.1, 0.0))
    for number, phases in enumerate((first, again, other)):
        finished(f"run-{number}", phase_seconds=phases)
    more, same = CONFIG.changed(max_images=101), ImageCounts(91, 10, 100)
    ready = estimate.seconds(CONFIG, same, REFERENCE)
    assert estimate.seconds(more, same, REFERENCE) - ready == pytest.approx(101 * 0.07)


def test_one_run_under_load_among_several_does_not_count(shipped):
    for number in range(3):
        finished(f"run-{number}")
    usual = estimate.seconds(CONFIG, IMAGES, 0.02)
    finished("loaded", pace={"step": 9.0, "pause": 20.0, "steps": 60})
    assert estimate.seconds(CONFIG, IMAGES, 0.02) == pytest.approx(usual)


def test_a_slower_machine_and_larger_pictures_take_longer(shipped):
    def learning(config: TrainingConfig, prediction: float) -> float:
        more = config.changed(epochs=config.epochs + 1)
        return estimate.seconds(more, IMAGES, prediction) - estimate.seconds(
            config, IMAGES, prediction
        )

    fast = learning(CONFIG, REFERENCE)
    assert fast == pytest.approx((90 + 0.4 * 10) / 26)
    assert learning(CONFIG, 2 * REFERENCE) == pytest.approx(2 * fast)
    assert learning(CONFIG, 1000 * REFERENCE) == pytest.approx(estimate.SLOWER * fast)
    assert learning(CONFIG.changed(image_size=256), REFERENCE) == pytest.approx(4 * fast)


@pytest.mark.parametrize("slower", [1, 2])
def test_without_an_earlier_run_the_table_tells_the_time(shipped, slower):
    evaluating = 100 * (0.08 + slower * estimate.TWO_CORES * REFERENCE / 4)
    others = 100 * 0.08 / 2 + estimate.START + estimate.EXPORT + 5 * (90 + 0.4 * 10) / 26
    assert estimate.seconds(CONFIG, IMAGES, slower * REFERENCE) == pytest.approx(
        slower * others + evaluating
    )


def test_all_pictures_of_a_data_set_are_counted_as_they_are():
    dataset = open_dataset("synthetic")
    names = split_names(dataset, TrainingConfig(max_images=None))
    assert [len(part) for part in names] == [900, 100]


def test_a_steady_step_is_told_apart_from_the_first_and_from_a_moments_load(clock):
    pace = Pace()
    pace.begin_epoch()
    for step in range(40):
        clock[0] += 30.0 if step < WARM_UP else 20.0 if step in (10, 11) else 0.5
        pace.step()
        assert (pace.step_seconds is None) == (step < WARM_UP)
    assert pace.steps == 40 and pace.step_seconds == pytest.approx(0.5)


def test_steps_of_two_kinds_in_turns_count_by_their_mean(clock):
    pace = Pace()
    pace.begin_epoch()
    for step in range(204):
        clock[0] += 0.2 if step % 2 else 0.4
        pace.step()
    assert pace.step_seconds == pytest.approx(0.3)


def test_the_pause_after_the_first_epoch_is_not_the_usual_one(clock):
    pace = Pace()
    for pause in (0.0, 9.0, 2.0):
        clock[0] += pause
        pace.begin_epoch()
        for _ in range(10):
            clock[0] += 1.0
            pace.step()
        if pause in (0.0, 9.0):  # by the speed of steps: a ninth as many images, at 0.4
            assert pace.pause_seconds(10, 0.1) == pytest.approx(0.4 * 10 / 9)
    assert pace.pause_seconds(10, 0.1) == pytest.approx(2.0)


def test_a_pause_is_no_part_of_an_epochs_only_step(clock):
    pace = Pace()
    for _ in range(20):
        clock[0] += 7.0
        pace.begin_epoch()
        clock[0] += 1.0
        pace.step()
    assert pace.step_seconds == pytest.approx(1.0)
    assert pace.pause_seconds(1, 0.1) == pytest.approx(7.0)


def test_the_status_tells_how_long_each_phase_took(monkeypatch):
    run = finished("phases")
    now = [1000.0]
    monkeypatch.setattr("unet_core.jobs.protocol.time.time", lambda: now[0])
    reporter = Reporter(run, state="running", phase="Starting", pid=1)
    assert run.status["phase_seconds"] == {}
    for seconds, phase in ((2, "Training"), (5, "Validating"), (3, "Training"), (4, "Exporting")):
        now[0] += seconds
        reporter.report(phase=phase, message="")
    reporter.report(phase="Exporting")
    now[0] += 6
    reporter.close(state="done", phase="Done")
    assert run.status["phase_seconds"] == {
        "Starting": 2,
        "Training": 9,
        "Validating": 3,
        "Exporting": 6,
    }


def test_what_a_prediction_takes_is_the_processors_time(channel_run, monkeypatch):
    ticks = iter([0.0, 9.0] + [10.0, 10.5, 20.0, 20.25] * 4)
    monkeypatch.setattr(estimate.time, "thread_time", lambda: next(ticks))
    assert estimate.prediction_seconds() == pytest.approx(0.25 * (256 / 32) ** 2)


def test_the_articles_lung_network_does_not_fit_a_small_host_but_ours_does():
    article = TrainingConfig(model="batchnorm", image_size=512, batch_size=2)
    ours = article.changed(model_arguments={"filters": 16}, image_size=160, batch_size=4)
    assert estimate.memory(article) > 4e9 > 2e9 > estimate.memory(ours)


def test_more_filters_and_more_pixels_cost_a_network_from_scratch_more_time(shipped):
    small = TrainingConfig(model="compact", model_arguments={"filters": 8}, image_size=64)
    costs = [
        estimate.seconds(config, ImageCounts(90, 10, 0), REFERENCE)
        for config in (small, small.changed(image_size=128), small.changed(model_arguments={}))
    ]
    assert costs[0] < costs[1] and costs[0] < costs[2]


def test_files_that_a_container_caches_do_not_count_as_memory_in_use(tmp_path, monkeypatch):
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("900\n")
    (tmp_path / "memory.stat").write_text("anon 300\ninactive_file 500\n")
    group = (str(tmp_path), "memory.max", "memory.current", "inactive_file")
    monkeypatch.setattr(memory, "GROUPS", [group])
    assert memory.free_memory() == 600
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free_memory() > 1e6  # the machine's own
