"""Time and memory before a training starts."""

import pytest

from unet_core import estimate
from unet_core.config import TrainingConfig
from unet_core.runs import create_run

CONFIG = TrainingConfig(pictures=100, validation=0.1, epochs=5, size=128)


def test_an_earlier_run_of_the_same_kind_tells_the_speed():
    training = CONFIG.to_dict()
    run = create_run({"title": "earlier", "training": training, "classes": []}, "earlier")
    run.write_status(state="done", pictures_per_second=20.0)
    # 5 epochs of 90 pictures and 10 validation ones at less than half their cost
    learning = 5 * (90 + 0.4 * 10) / 20
    finishing = estimate.EXPORT + 200 * (estimate.LOADING + 0.04 / 4)
    assert estimate.seconds(CONFIG, 200, 0.04) == pytest.approx(
        estimate.START + learning + finishing
    )


def test_a_slower_machine_and_larger_pictures_take_longer(shipped):
    fast = estimate.seconds(CONFIG, 0, 0.02) - estimate.START - estimate.EXPORT
    slow = estimate.seconds(CONFIG, 0, 0.04) - estimate.START - estimate.EXPORT
    large = estimate.seconds(CONFIG.changed(size=256), 0, 0.02) - estimate.START - estimate.EXPORT
    assert slow == pytest.approx(2 * fast)
    assert large == pytest.approx(4 * fast)


def test_the_articles_lung_network_does_not_fit_a_small_host_but_ours_does():
    article = TrainingConfig(model="batchnorm", size=512, batch_size=2)
    ours = article.changed(model_arguments={"filters": 16}, size=160, batch_size=4)
    assert estimate.memory(article) > 4e9 > 2e9 > estimate.memory(ours)


def test_more_filters_and_more_pixels_cost_a_network_from_scratch_more_time(shipped):
    small = TrainingConfig(model="compact", model_arguments={"filters": 8}, size=64)
    costs = [
        estimate.seconds(config, 0, estimate.REFERENCE)
        for config in (small, small.changed(size=128), small.changed(model_arguments={}))
    ]
    assert costs[0] < costs[1] and costs[0] < costs[2]


def test_files_that_a_container_caches_do_not_count_as_memory_in_use(tmp_path, monkeypatch):
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("900\n")
    (tmp_path / "memory.stat").write_text("anon 300\ninactive_file 500\n")
    group = (str(tmp_path), "memory.max", "memory.current", "inactive_file")
    monkeypatch.setattr(estimate, "GROUPS", [group])
    assert estimate.free_memory() == 600
    (tmp_path / "memory.max").write_text("max\n")
    assert estimate.free_memory() > 1e6  # the machine's own
