"""Checkpoints of trainings: damaged ones, full disks, and what is left behind."""

import errno
import logging

import numpy as np
import pytest

from eelsunmix.errors import InputError, MethodFailedError
from eelsunmix.methods import Resources, build_method
from test_autoencoders import bare_learning_set, mixed_image

training = pytest.importorskip("eelsunmix.methods._networks.torch_loop")


@pytest.fixture(scope="module")
def learning():
    return bare_learning_set(mixed_image(7, 9)[0])


@pytest.fixture
def interrupted(learning, tmp_path, monkeypatch):
    """Resources whose checkpoint is that of a training of `METHOD` that was stopped after an epoch."""
    kept = Resources(checkpoint=tmp_path / "fit.log.checkpoint")
    with monkeypatch.context() as patched:
        patched.setattr(training.Training, "_save", stopped(training.Training._save))
        with pytest.raises(KeyboardInterrupt):
            METHOD.fit(learning, 3, np.random.default_rng(5), kept)
    return kept


METHOD = build_method("daeu", n_networks=1, n_epochs=3)


def stopped(save):
    def save_and_stop(self):
        save(self)
        raise KeyboardInterrupt

    return save_and_stop


@pytest.mark.guarantee(30)
@pytest.mark.parametrize(
    "damaged",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: bytes(len(content)),
        lambda content: content[:900] + bytes([content[900] ^ 255]) + content[901:],
    ],
    ids=["truncated", "empty", "zeros", "flipped bits"],
)
def test_a_damaged_checkpoint_is_named_and_the_training_starts_anew(learning, interrupted, damaged, caplog):
    path = interrupted.checkpoint
    content = path.read_bytes()
    path.write_bytes(damaged(content))
    assert path.read_bytes() != content
    with caplog.at_level(logging.WARNING, logger="eelsunmix"):
        found = METHOD.fit(learning, 3, np.random.default_rng(5), interrupted).to_dataset()
    assert found.identical(METHOD.fit(learning, 3, np.random.default_rng(5)).to_dataset())
    assert f"{path}: this checkpoint is damaged" in caplog.text
    assert not list(path.parent.iterdir())


def test_a_full_disk_names_the_checkpoint_and_keeps_the_last_whole_one(learning, interrupted, monkeypatch):
    path = interrupted.checkpoint
    before = path.read_bytes()

    def half_written(file, **state):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(training.np, "savez", half_written)
    with pytest.raises(InputError, match="checkpoint: cannot be written, the disk is full; free") as caught:
        METHOD.fit(learning, 3, np.random.default_rng(5), interrupted)
    assert str(caught.value).startswith(str(path))
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == before


def test_a_training_that_fails_leaves_no_checkpoint(learning, interrupted, monkeypatch):
    monkeypatch.setattr(training, "_values", lambda losses: np.array([np.nan]))
    with pytest.raises(MethodFailedError, match="the loss is nan after epoch 2 of 3"):
        METHOD.fit(learning, 3, np.random.default_rng(5), interrupted)
    assert not list(interrupted.checkpoint.parent.iterdir())
