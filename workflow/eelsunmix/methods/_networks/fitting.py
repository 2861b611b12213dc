"""The ``eels`` setting of the autoencoders: whitened scores, a geometric start, the best of several."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from eelsunmix.errors import MethodFailedError
from eelsunmix.methods._learning_set import LearningSet, Resources
from eelsunmix.methods._networks.architecture import STEPS_PER_EPOCH, Architecture
from eelsunmix.methods._networks.encoder import Encoder, PatchEncoder, SpectrumEncoder
from eelsunmix.methods._networks.scores import (
    Patches,
    ScoreSpace,
    sampled_patches,
    score_space,
    spectra_as_patches,
)
from eelsunmix.methods.vca import VCA
from eelsunmix.typing import Floats

if TYPE_CHECKING:
    from eelsunmix.methods._networks.torch_score_networks import Trained

EXTRA_COMPONENTS = 2
"""Components kept beyond the number of endmembers: a weak phase may hide behind a change of thickness."""


def fit_eels(
    architecture: Architecture,
    learning: LearningSet,
    n_endmembers: int,
    rng: np.random.Generator,
    resources: Resources,
    **schedule: Any,
) -> SpectrumEncoder | PatchEncoder:
    """Train several networks and return the one that predicts the patches kept back best.

    Parameters
    ----------
    architecture : Architecture
    learning : LearningSet
    n_endmembers : int
    rng : numpy.random.Generator
    resources : Resources
    **schedule
        Fields of `eelsunmix.methods._networks.torch_score_networks.Plan`.
    """
    from eelsunmix.methods._networks.torch_score_networks import Plan, train

    space = score_space(learning, n_endmembers, n_endmembers + EXTRA_COMPONENTS)
    start = VCA().fit(learning, n_endmembers, rng).endmembers @ space.projection.T
    if architecture.side == 1:
        patches = spectra_as_patches(learning, space)
    else:
        patches = sampled_patches(learning, space, architecture.side, rng, overlap=architecture.overlap)
    plan = Plan(
        targets=architecture.targets,
        hidden=architecture.hidden,
        slope=architecture.slope,
        learning_rate=architecture.learning_rate,
        device=resources.device,
        **schedule,
    )
    trained = train(plan, patches, space, start, rng, resources.checkpoint)
    models = [_model(architecture, space, trained, network) for network in _by_loss(trained)]
    checked = [(model, _fault(model, architecture, patches, space)) for model in models]
    model, fault = next((pair for pair in checked if not pair[1]), checked[0])
    return _with_record(model, trained, fault)


def _by_loss(trained: "Trained") -> list[int]:
    losses = np.where(np.isfinite(trained.losses[-1]), trained.losses[-1], np.inf)
    finite = [int(network) for network in np.argsort(losses) if np.isfinite(losses[network])]
    if not finite:
        raise MethodFailedError(f"no network has a finite loss after epoch {len(trained.losses)}")
    return finite


def _model(
    architecture: Architecture, space: ScoreSpace, trained: "Trained", network: int
) -> SpectrumEncoder | PatchEncoder:
    common: dict[str, Any] = {
        "endmembers": np.maximum(trained.vertices[network] @ space.loadings, 0.0),
        "projection": space.projection,
        "centre": space.centre,
        "scale": space.scale,
        "weights": trained.network(network, architecture.slope, space, architecture.targets),
        "heads": len(architecture.targets),
        "ending": "softplus",
        "loss": trained.losses[:, network],
    }
    if architecture.side == 1:
        return SpectrumEncoder(**common)
    return PatchEncoder(side=architecture.side, **common)


def _fault(model: Encoder, architecture: Architecture, patches: Patches, space: ScoreSpace) -> str:
    """Say which component is dead or doubled; an empty string if none is."""
    known = (patches.deviation > 0)[..., None]
    features = np.where(known, (patches.scores - space.centre) / space.scale, 0.0).astype(np.float32)
    shares = model.outputs(features.reshape(len(features), -1))
    return fault_of(shares.reshape(-1, shares.shape[-1]), model.endmembers @ space.projection.T)


def fault_of(abundances: Floats, endmembers: Floats) -> str:
    """Say which component is dead (nowhere a tenth of a pixel) or doubled, an empty string if none is.

    Examples
    --------
    >>> fault_of(np.array([[0.98, 0.02], [0.99, 0.01]]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    'component 1 is dead: its abundance is at most 0.02'
    """
    largest = abundances.max(axis=0)
    if largest.min() < 0.1:
        return f"component {largest.argmin()} is dead: its abundance is at most {largest.min():.2g}"
    units = endmembers / np.maximum(np.linalg.norm(endmembers, axis=1, keepdims=True), 1e-300)
    likeness: Floats = np.triu(units @ units.T, 1)
    first, second = np.unravel_index(likeness.argmax(), likeness.shape)
    if likeness[first, second] > 1 - 1e-8:
        return f"components {first} and {second} are the same"
    return ""


def _with_record(
    model: SpectrumEncoder | PatchEncoder, trained: "Trained", fault: str
) -> SpectrumEncoder | PatchEncoder:
    last = trained.losses[-1]
    message = (
        f"best of {len(last)} networks, {len(trained.losses)} epochs of {STEPS_PER_EPOCH} steps; "
        f"losses of the patches kept back {np.nanmin(last):.4g} to {np.nanmax(last):.4g}"
    )
    status = "not converged" if fault else "converged"
    return dataclasses.replace(model, status=status, message=f"{fault}; {message}" if fault else message)
