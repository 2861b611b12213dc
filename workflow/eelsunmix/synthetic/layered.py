"""The Pt | Co | Ru | Pt multilayer: a layer thinner than the probe, interdiffusion, and spectra that vary."""

import numpy as np

from eelsunmix.edges import Edge
from eelsunmix.profiles import Profile, Region
from eelsunmix.synthetic.edges import SCENE_EDGES
from eelsunmix.synthetic.lamella import (
    STACK,
    channel_gain,
    expected_intensity,
    layer_fractions,
)
from eelsunmix.synthetic.layers import MultilayerOptions
from eelsunmix.synthetic.scene import (
    Scene,
    count_electrons,
    energy_axis,
    label_image,
    label_truth,
    position_axes,
)
from eelsunmix.synthetic.spectra import pixel_spectrum


def simulate_multilayer(options: MultilayerOptions) -> Scene:
    """Make the scene that the options describe (`eelsunmix.synthetic.multilayer`)."""
    geometry_rng, beam_rng, detector_rng, noise_rng = np.random.default_rng(options.seed).spawn(4)
    energy = energy_axis(options.n_channels, options.offset_eV, options.dispersion_eV)
    abundance = layer_fractions(options, geometry_rng)
    nominal = [pixel_spectrum(name, energy.to_numpy(), thickness_nm=options.thickness_nm) for name in STACK]
    expected = expected_intensity(options, abundance, energy.to_numpy(), beam_rng)
    scale = options.counts / expected[..., 0].mean(dtype=np.float64)
    expected *= np.float32(scale)
    gain = channel_gain(options, detector_rng)
    counts = count_electrons(expected, gain, noise_rng, noise=options.noise)
    coords = {**position_axes(options.shape, options.pixel_nm), "energy_loss": energy}
    image = label_image(counts, coords, f"Pt/Co/Ru/Pt multilayer, {options.level}")
    return Scene(
        name="multilayer",
        options=options.model_dump(),
        spectrum_image=image,
        **label_truth(scale * np.stack(nominal), abundance, expected, gain, names=STACK, image=image),
        edges=multilayer_edges(),
        regions=multilayer_regions(options),
        profiles={
            "all_rows": Profile(along="x"),
            "three_rows": Profile(along="x", pixels=(0, min(3, options.shape[0]))),
        },
    )


def multilayer_regions(options: MultilayerOptions) -> dict[str, Region]:
    """Pt to the left of the layers, at a distance of 1.5 nm."""
    return {
        "off_layer": Region(x_nm=(0.0, max(options.left_nm - 1.5, options.pixel_nm)), without=("Ru", "Co"))
    }


def multilayer_edges() -> dict[str, Edge]:
    """Windows of the paper's figure 7: Ru M2,3 and Co L2,3 as references, and Ru M4,5, which fails in Pt."""
    return {
        "Ru_M23": SCENE_EDGES["Ru_M23"].replaced(reference=True),
        "Ru_M45": SCENE_EDGES["Ru_M45"],
        "Co_L23": SCENE_EDGES["Co_L23"].replaced(reference=True),
    }
