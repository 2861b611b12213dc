"""The training loop of all networks: deterministic, recorded, stopped early, resumed after an interruption.

Imported only while a network is trained; nothing here is needed to map an image.
"""

import hashlib
import logging
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from eelsunmix.errors import MethodFailedError, unwritable
from eelsunmix.execution.progress import Progress
from eelsunmix.typing import Floats

logger = logging.getLogger(__name__)

_DAMAGED = (zipfile.BadZipFile, EOFError, KeyError, ValueError)
"""What NumPy raises at the archives that an interrupted disk leaves: cut, empty, full of zeros."""


def chosen_device(name: str) -> torch.device:
    """Return the device that ``auto``, ``cpu`` or ``cuda`` stands for.

    ``auto`` is the CPU: these networks are so small that a GPU spends its time on starting kernels
    (measured in docs/decisions/008), and one kind of device gives the same numbers everywhere.
    """
    if name != "cuda":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        # The device is no parameter of a rule: nothing but the lack of its store makes this fit run again.
        raise MethodFailedError(
            "device is 'cuda', but torch finds no GPU; set device: auto, move the store of the fit aside"
        )
    return torch.device("cuda")


@contextmanager
def reproducible() -> Iterator[None]:
    """Hold torch to one thread and to deterministic kernels, and put back what was set before."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    # cuBLAS is deterministic only with a workspace of fixed size.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)


def generator_from(rng: np.random.Generator) -> torch.Generator:
    """Return a generator of torch, on the CPU, so that a GPU draws the same numbers."""
    return torch.Generator().manual_seed(int(rng.integers(2**62)))


def key_of(*parts: Any) -> str:
    """Hash of what a training depends on: arrays by their values, a generator by its seed, the rest in words.

    Examples
    --------
    >>> key_of("plan", np.ones(2)) == key_of("plan", np.ones(2)) != key_of("plan", np.ones(3))
    True
    """
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.shape} {part.dtype}".encode())
            found.update(np.ascontiguousarray(part).data)
        else:
            words = part.initial_seed() if isinstance(part, torch.Generator) else part
            found.update(f"{words}\n".encode())
    return found.hexdigest()


@dataclass(kw_only=True)
class Training:
    """A training in progress.

    Parameters
    ----------
    module : torch.nn.Module
        Its parameters and buffers are learned in place.
    optimizer : torch.optim.Optimizer
        Of these parameters.
    generator : torch.Generator
        Source of all randomness of a step.
    checkpoint : Path, optional
        File that holds the state between two steps; a training finds and continues its own.
    key : str
        Identifies the training (`key_of`); a checkpoint of another one is ignored.
    """

    module: torch.nn.Module
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    checkpoint: Path | None = None
    key: str = ""
    history: list[Floats] = field(default_factory=list)

    def run(
        self,
        step: Callable[[], torch.Tensor],
        *,
        n_epochs: int,
        steps_per_epoch: int,
        learning_rate: Callable[[int], float],
        evaluate: Callable[[], torch.Tensor] | None = None,
        stop: Callable[[Floats], bool] = lambda history: False,
    ) -> Floats:
        """Train until the last epoch or until `stop`, and return the record of the loss.

        Parameters
        ----------
        step : callable
            Returns the losses of one batch, shape (network,); their sum is minimised.
        n_epochs, steps_per_epoch : int
            Length of the training.
        learning_rate : callable
            Function of the number of the epoch.
        evaluate : callable, optional
            Loss to record at the end of an epoch; the mean of the steps' losses without it.
        stop : callable
            Function of the record.

        Returns
        -------
        ndarray, shape (epoch, network)

        Raises
        ------
        MethodFailedError
            No network has a finite loss any more.
        """
        self._resume()
        progress = Progress("training, epochs", n_epochs)
        while len(self.history) < n_epochs and not (self.history and stop(np.array(self.history))):
            for group in self.optimizer.param_groups:
                late = len(self.history) < group.get("from_epoch", 0)
                group["lr"] = 0.0 if late else learning_rate(len(self.history))
            mean = self._epoch(step, steps_per_epoch)
            self.history.append(mean if evaluate is None else _values(evaluate()))
            if not np.isfinite(self.history[-1]).any():
                self.finish()
                raise MethodFailedError(
                    f"the loss is {self.history[-1][0]} after epoch {len(self.history)} of {n_epochs}; "
                    f"look for extreme values in the counts"
                )
            self._save()
            progress.report(len(self.history))
        return np.array(self.history)

    def finish(self) -> None:
        """Remove the checkpoint: the outcome is known."""
        if self.checkpoint is not None:
            self.checkpoint.unlink(missing_ok=True)

    def _epoch(self, step: Callable[[], torch.Tensor], number: int) -> Floats:
        self.module.train()
        losses = []
        for _ in range(number):
            self.optimizer.zero_grad()
            loss = step()
            loss.sum().backward()
            self.optimizer.step()
            losses.append(loss.detach())
        self.module.eval()
        return _values(torch.stack(losses).mean(dim=0))

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        # Written beside and renamed: an interruption leaves the old state or the new one, never a half; under
        # the number of the process, because an orphan of an earlier run may still be writing.
        beside = self.checkpoint.with_name(f"{self.checkpoint.name}.{os.getpid()}.new")
        try:
            with beside.open("wb") as file:
                np.savez(file, **self._state())
            beside.replace(self.checkpoint)
        except OSError as error:
            raise unwritable(self.checkpoint, error) from error
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = {"key": np.array(self.key), "history": np.array(self.history)}
        state["generator"] = self.generator.get_state().numpy()
        for name, value in self.module.state_dict().items():
            state[f"module {name}"] = value.cpu().numpy()
        for index, values in self.optimizer.state_dict()["state"].items():
            for name, value in values.items():
                state[f"optimizer {index} {name}"] = torch.as_tensor(value).cpu().numpy()
        return state

    def _resume(self) -> None:
        state = self._stored()
        if state is None:
            return
        self.history = list(state["history"])
        self.generator.set_state(torch.from_numpy(state["generator"]))
        self.module.load_state_dict(
            {name: torch.from_numpy(state[f"module {name}"]) for name in self.module.state_dict()}
        )
        known = self.optimizer.state_dict()
        known["state"] = _optimizer_state(state)
        self.optimizer.load_state_dict(known)

    def _stored(self) -> dict[str, Any] | None:
        """Read the checkpoint; None without one of this training that is whole."""
        if self.checkpoint is None or not self.checkpoint.is_file():
            return None
        try:
            with self.checkpoint.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                if str(stored["key"]) != self.key:
                    return None
                return {name: stored[name] for name in stored.files}
        except _DAMAGED as error:
            logger.warning(
                "%s: this checkpoint is damaged (%s); the training starts anew", self.checkpoint, error
            )
            return None


def _optimizer_state(state: dict[str, Any]) -> dict[int, dict[str, torch.Tensor]]:
    found: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in state.items():
        if key.startswith("optimizer "):
            _, index, name = key.split()
            found.setdefault(int(index), {})[name] = torch.from_numpy(value)
    return found


def _values(losses: torch.Tensor) -> Floats:
    return np.atleast_1d(losses.detach().cpu().numpy().astype(np.float64))
