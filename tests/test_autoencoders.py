"""DAEU, MTAEU and CNNAEU: what the trained networks compute, find and survive."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from eelsunmix import apply, fit, metrics, synthetic, unmix
from eelsunmix.errors import InputError, MethodFailedError
from eelsunmix.learning import learning_set
from eelsunmix.methods import LearningSet, Resources, build_method
from eelsunmix.methods._networks.encoder import PatchEncoder, SpectrumEncoder, averaged_overlap, patches_of
from eelsunmix.methods._networks.fitting import fault_of
from eelsunmix.methods._networks.scores import sampled_patches, score_space, tiling
from eelsunmix.methods.vca import VCA

NAMES = ("daeu", "mtaeu", "cnnaeu")
QUICK = {"n_networks": 2, "n_epochs": 12}
ENDMEMBERS = 200 * np.exp(-np.linspace(0, 2, 23)) + 80 * np.stack(
    [np.arange(23) > 30, np.arange(23) > 6, np.arange(23) > 14]
)


def mixed_image(height=11, width=17, seed=0, counts=1.0):
    """Three spectra in smooth patterns without symmetry, with Poisson noise, 23 channels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    first = np.clip(1.2 - x / width * 1.6, 0, 1)
    second = np.clip(1.3 - y / height * 1.9, 0, 1) * (1 - first)
    shares = np.dstack([first, second, 1 - first - second])
    image = xr.DataArray(rng.poisson(counts * (shares @ ENDMEMBERS)), dims=("y", "x", "energy_loss"))
    image = image.assign_coords(valid_pixel=(("y", "x"), np.ones((height, width), bool)))
    return image.assign_coords(energy_loss=100.0 + np.arange(23)), shares


def bare_learning_set(image, **changes):
    from eelsunmix.pca import DenoiseOptions, denoise

    pca = denoise(image, DenoiseOptions(spatial="none"))
    learning = learning_set(image, pca, rng=np.random.default_rng(0), needs={"tiles"})
    return dataclasses.replace(learning, **changes)


def errors(result, true_spectra, shares):
    order = metrics.match(true_spectra, result.endmember_spectrum.to_numpy())
    found = result.abundance.transpose("y", "x", "endmember").to_numpy()[..., order]
    return metrics.nmse(shares, found, endmember_axis=-1)


@pytest.mark.parametrize("name", NAMES)
def test_images_that_are_not_square_are_never_transposed(name):
    image, shares = mixed_image()
    result = unmix(image, name, n_endmembers=3, seed=1, **QUICK)
    # A transposed or mirrored map of these patterns has an error of order one.
    assert errors(result, ENDMEMBERS, shares).max() < 0.05


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("setting", ["eels", "published"])
def test_both_settings_give_plain_arrays_and_non_negative_endmembers(name, setting):
    image, _ = mixed_image(9, 14)
    fitted = fit(image, name, n_endmembers=3, setting=setting, n_networks=1, n_epochs=1)
    assert fitted.attrs["status"] in ("converged", "not converged"), fitted.attrs["message"]
    assert fitted.endmember_spectrum.min() >= 0
    assert fitted.loss.shape == (1,)
    assert all(variable.dtype.kind in "fiub" for variable in fitted.variables.values())
    maps = apply(fitted, image)
    sums = maps.abundance.sum("endmember").to_numpy()
    # float32 maps; the published DAEU leaves pixels empty where all its units are dead
    assert np.all((np.abs(sums - 1) < 1e-5) | ((name == "daeu") & (sums == 0) & (setting == "published")))
    total = float((maps.abundance * fitted.endmember_spectrum).sum())
    assert total == pytest.approx(float(image.sum()), rel=0.3)


@pytest.mark.parametrize("name", NAMES)
def test_the_networks_leave_their_start_for_the_better(name):
    scene = synthetic.chequerboard(size=(24, 32), counts=300.0, seed=3)
    truth = scene.endmember_spectrum.to_numpy(), scene.abundance.to_numpy()
    result = unmix(scene.spectrum_image, name, n_endmembers=3, n_networks=2, n_epochs=20)
    vca = unmix(scene.spectrum_image, "vca", n_endmembers=3)
    assert errors(result, *truth).mean() < errors(vca, *truth).mean()


def test_encoders_compute_what_the_torch_networks_do():
    torch = pytest.importorskip("torch")
    from eelsunmix.methods._networks.torch_published_cnnaeu import Network as Convolutional
    from eelsunmix.methods._networks.torch_published_daeu import Network as Dense
    from eelsunmix.methods._networks.torch_published_mtaeu import Network as Multitask

    spectra = np.random.default_rng(0).random((12, 23))
    batch = torch.tensor(spectra, dtype=torch.float32)
    for build in (Dense, Multitask, Convolutional):
        network = build(23, 3, torch.Generator().manual_seed(0)).eval()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-1, 1)
                module.running_var.uniform_(0.5, 2)
        with torch.no_grad():
            model = network.encoder(1.0)
            if build is Dense:
                values = batch
                for kernel in network.kernels:
                    values = torch.nn.functional.leaky_relu(values @ kernel, 0.1)
                expected = torch.relu(network.norm(values))
                expected = expected / (expected.sum(dim=1, keepdim=True) + 1e-7)
            elif build is Multitask:
                values = torch.nn.functional.leaky_relu(
                    batch.repeat(1, 4) @ network.hidden.reshape(-1, 23), 0.2
                )
                values = network.head_norm(network.hidden_norm(values) @ network.heads + network.head_bias)
                expected = (3 * values).reshape(12, 4, 3).softmax(dim=-1).mean(dim=1)
            else:
                image = batch.reshape(1, 3, 4, 23).permute(0, 3, 1, 2)
                padded = torch.tensor(np.pad(image.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)), "symmetric"))
                values = torch.nn.functional.leaky_relu(
                    torch.nn.functional.conv2d(padded, network.first), 0.02
                )
                values = torch.nn.functional.conv2d(network.first_norm(values), network.second)
                values = 3 * network.second_norm(torch.nn.functional.leaky_relu(values, 0.02))
                expected = values.softmax(dim=1)[0].permute(1, 2, 0).reshape(12, 3)
        given = spectra.reshape(3, 4, 23) if isinstance(model, PatchEncoder) else spectra
        # float32 throughout
        if isinstance(model, PatchEncoder):
            given = model.features(given)
        found = model.abundances(given).mean.reshape(12, 3)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_encoder_of_a_trained_network_gives_the_networks_own_abundances(name):
    torch = pytest.importorskip("torch")
    from eelsunmix.methods._networks.fitting import Architecture, _model
    from eelsunmix.methods._networks.torch_score_networks import Networks, Plan

    side, overlap, hidden = {
        "daeu": (1, False, (9, 5)),
        "mtaeu": (2, True, (7,)),
        "cnnaeu": (5, False, (7,)),
    }[name]
    architecture = Architecture(side=side, overlap=overlap, hidden=hidden, slope=0.1)
    learning = bare_learning_set(mixed_image(9, 12)[0])
    space = score_space(learning, 3, 5)
    rng = np.random.default_rng(1)
    plan = Plan(targets=architecture.targets, hidden=hidden, slope=0.1, n_networks=2)
    start = learning.spectra[rng.choice(len(learning.spectra), 3, replace=False)] @ space.projection.T
    networks = Networks(plan, side**2, space, start, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in networks.parameters():
            parameter += torch.from_numpy(0.1 * rng.normal(size=parameter.shape).astype(np.float32))
        patches = sampled_patches(learning, space, side, rng, overlap=overlap)
        scores, deviation = torch.tensor(patches.scores).float(), torch.tensor(patches.deviation)
        expected = networks.shares(scores, deviation > 0).numpy()
        trained = networks.trained(np.zeros((1, 2)))
    features = (patches.scores - space.centre) / space.scale
    for index in range(2):
        model = _model(architecture, space, trained, index)
        found = model.outputs(features.astype(np.float32).reshape(len(features), -1))
        # float32 on both sides, and outputs that are small differences
        np.testing.assert_allclose(found, expected[index], atol=2e-4)
    assert np.abs(expected[0] - expected[1]).max() > 0.05


def test_batch_normalisation_records_what_keras_does():
    torch = pytest.importorskip("torch")
    from eelsunmix.methods._networks.torch_published_daeu import Network

    norm = Network(23, 3, torch.Generator().manual_seed(0)).norm
    values = np.random.default_rng(0).normal(3, 2, (6, 3)).astype(np.float32)
    normalised = norm(torch.from_numpy(values)).detach().numpy()
    # Defaults of Keras: momentum 0.99, epsilon 0.001, the variance of the batch without Bessel's correction.
    mean, variance = values.mean(axis=0), values.var(axis=0)
    np.testing.assert_allclose(normalised, (values - mean) / np.sqrt(variance + 1e-3), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(norm.running_mean, 0.01 * mean, rtol=1e-5)
    np.testing.assert_allclose(norm.running_var, 0.99 + 0.01 * variance, rtol=1e-6)
    before = norm.running_var.clone()
    norm.eval()(torch.from_numpy(values))
    assert torch.equal(norm.running_var, before)


@pytest.mark.guarantee(33)
def test_losses_are_safe_at_perfect_agreement_and_on_zero_spectra():
    torch = pytest.importorskip("torch")
    from eelsunmix.methods._networks.torch_published import mean_angle, mean_cosine_angle

    spectra = torch.rand(4, 9)
    spectra[2] = 0
    for loss in (mean_angle, mean_cosine_angle):
        outputs = spectra.clone().requires_grad_()
        value = loss(spectra, outputs)
        value.backward()
        assert torch.isfinite(value)
        assert torch.isfinite(outputs.grad).all()
    one, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 1.0]])
    assert float(mean_angle(one, other)) == pytest.approx(np.pi / 4, rel=1e-5)
    assert float(mean_cosine_angle(one, other)) == pytest.approx(np.arccos(0.5**0.5 / 2), rel=1e-5)


@pytest.mark.guarantee(30, "G8")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("setting", ["eels", "published"])
def test_an_interrupted_training_ends_as_an_uninterrupted_one(name, setting, tmp_path, monkeypatch):
    training = pytest.importorskip("eelsunmix.methods._networks.torch_loop")
    image, _ = mixed_image(7, 9)
    networks = 1 if (name, setting) == ("daeu", "published") else 2
    method = build_method(name, setting=setting, n_networks=networks, n_epochs=3)
    learning = bare_learning_set(image)
    expected = method.fit(learning, 3, np.random.default_rng(5)).to_dataset()
    kept = Resources(checkpoint=tmp_path / "state.npz")
    save = training.Training._save

    def interrupted(self):
        save(self)
        if len(self.history) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(training.Training, "_save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        method.fit(learning, 3, np.random.default_rng(5), kept)
    assert list(tmp_path.iterdir())
    monkeypatch.setattr(training.Training, "_save", save)
    resumed = method.fit(learning, 3, np.random.default_rng(5), kept).to_dataset()
    assert resumed.identical(expected)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_other_options_is_ignored(tmp_path):
    image, _ = mixed_image(7, 9)
    learning = bare_learning_set(image)
    method = build_method("daeu", n_networks=1, n_epochs=2)
    expected = method.fit(learning, 3, np.random.default_rng(5)).to_dataset()
    path = tmp_path / "state.npz"
    np.savez(path, key=np.array("something else"))
    kept = Resources(checkpoint=path)
    assert method.fit(learning, 3, np.random.default_rng(5), kept).to_dataset().identical(expected)


@pytest.mark.parametrize("setting", ["eels", "published"])
def test_a_checkpoint_of_another_seed_or_image_is_ignored(setting, tmp_path, monkeypatch):
    training = pytest.importorskip("eelsunmix.methods._networks.torch_loop")
    method = build_method("daeu", setting=setting, n_networks=1, n_epochs=1)
    learning = bare_learning_set(mixed_image(7, 9)[0])
    # The same pixels in another order: the sums of everything stay.
    turned = dataclasses.replace(
        learning, spectra=learning.spectra[::-1].copy(), pixel_weight=learning.pixel_weight[::-1].copy()
    )
    path = tmp_path / "state.npz"
    monkeypatch.setattr(training.Training, "finish", lambda self: None)  # as if interrupted before the end
    method.fit(learning, 3, np.random.default_rng(5), Resources(checkpoint=path))
    assert list(tmp_path.iterdir())
    for other, seed in ((learning, 6), (turned, 5)):
        expected = method.fit(other, 3, np.random.default_rng(seed)).to_dataset()
        kept = Resources(checkpoint=path)
        assert method.fit(other, 3, np.random.default_rng(seed), kept).to_dataset().identical(expected)


@pytest.mark.guarantee(33)
def test_a_loss_that_is_not_finite_names_the_epoch():
    torch = pytest.importorskip("torch")
    from eelsunmix.methods._networks.torch_loop import Training

    module = torch.nn.Linear(2, 1)
    training = Training(
        module=module,
        optimizer=torch.optim.SGD(module.parameters()),
        generator=torch.Generator(),
    )
    with pytest.raises(MethodFailedError, match="the loss is nan after epoch 1 of 7"):
        training.run(
            lambda: module(torch.ones(1, 2))[0] * float("nan"),
            n_epochs=7,
            steps_per_epoch=1,
            learning_rate=lambda epoch: 0.1,
        )


def test_the_number_of_threads_and_what_torch_was_set_to_stay_as_they_are():
    torch = pytest.importorskip("torch")
    image, _ = mixed_image(7, 9)
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.initial_seed()
    state = torch.get_rng_state()
    fit(image, "cnnaeu", n_endmembers=3, n_networks=1, n_epochs=1)
    after = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.initial_seed()
    assert after == before
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 30), (3, 9), (29, 2)])
def test_images_smaller_than_a_patch_work(name, shape):
    image, _ = mixed_image(*shape)
    result = unmix(image, name, n_endmembers=2, n_networks=1, n_epochs=2)
    assert np.isfinite(result.abundance).all()
    assert result.abundance.shape == (*shape, 2)


def test_patches_that_do_not_fit_are_refused_with_a_reason():
    image, _ = mixed_image(3, 9)
    fitted = fit(image, "mtaeu", n_endmembers=2, setting="published", n_epochs=1)
    assert fitted.attrs["status"] == "failed"
    assert "patches of 4 x 4 pixels do not fit in an image of (3, 9) pixels" in fitted.attrs["message"]


def test_mapping_needs_no_torch():
    code = (
        "import sys, numpy as np; from eelsunmix.methods import load_model; import xarray as xr;"
        "from eelsunmix.methods._networks.encoder import PatchEncoder;"
        "w = {'kernel_0': np.ones((9 * 4, 2), 'f4'), 'bias_0': np.zeros(2, 'f4'), 'gain_0': np.ones(2, 'f4'),"
        "'shift_0': np.zeros(2, 'f4'), 'slopes': np.ones(1, 'f4')};"
        "model = PatchEncoder(endmembers=np.ones((2, 4)), centre=np.zeros(4), scale=np.ones(4), weights=w,"
        "side=3);"
        "again = load_model(model.to_dataset());"
        "found = again.abundances(again.features(np.ones((5, 6, 4)))).mean;"
        "assert found.shape == (5, 6, 2); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("side", "overlap"), [(1, False), (3, False), (5, False), (2, True), (3, True)])
def test_patches_are_mirrored_and_averaged_back(side, overlap):
    values = np.random.default_rng(0).random((5, 7, 2))
    patches = patches_of(values, side, overlap=overlap)
    if overlap:
        rows, columns = patches.shape[:2]
        assert (rows, columns) == (5 + side - 1, 7 + side - 1)
        again = averaged_overlap(patches)
        np.testing.assert_allclose(again, values, rtol=1e-12)
    else:
        np.testing.assert_array_equal(patches[:, :, side // 2, side // 2], values)
        padded = np.pad(values, ((side // 2,) * 2, (side // 2,) * 2, (0, 0)), mode="symmetric")
        np.testing.assert_array_equal(patches[4, 1], padded[4 : 4 + side, 1 : 1 + side])


@pytest.mark.parametrize(("side", "heads"), [(3, 1), (2, 4)])
def test_strips_of_an_image_join_without_a_seam(side, heads, monkeypatch):
    rng = np.random.default_rng(0)
    outputs = 3 * heads
    model = PatchEncoder(
        endmembers=np.ones((3, 4)),
        centre=np.zeros(4),
        scale=np.ones(4),
        weights={
            "kernel_0": rng.normal(size=(side**2 * 4, outputs)).astype(np.float32),
            "bias_0": np.float32([0]),
            "gain_0": np.float32([1]),
            "shift_0": np.float32([0]),
            "slopes": np.float32([1]),
        },
        heads=heads,
        side=side,
    )
    image = rng.random((11, 7, 4))
    features = model.features(image)
    whole = model.abundances(features).mean
    assert whole.shape == (11, 7, 3)
    monkeypatch.setattr("eelsunmix.methods._networks.encoder._PIECE", 3 * 8 * side**2 * 4)
    np.testing.assert_allclose(model.abundances(features).mean, whole, rtol=1e-5)  # float32 layers
    # Every strip sees its neighbours: none is mapped as an image of its own.
    assert np.abs(model.abundances(features[:3]).mean - whole[:3]).max() > 0.01


def test_tiles_cover_small_images_and_bound_large_ones():
    for height, width in ((64, 64), (60, 75), (1, 30), (7, 2000), (4000, 4000), (3, 10**6)):
        number, side = tiling((height, width))
        assert side <= min(height, width)
        assert number * side**2 <= 2 * 20_000 + side**2
        assert number * side**2 >= min(height * width, 0.9 * 20_000)
    with pytest.raises(MethodFailedError, match="no rows and columns"):
        tiling(None)


def test_the_noise_is_measured_and_dark_pixels_have_none():
    image, _ = mixed_image(31, 23, counts=5.0)
    image[3, 4] = 0
    learning = bare_learning_set(image)
    space = score_space(learning, 3, 5)
    # The median over 713 pixels of a chi-square of 18 degrees of freedom lies 4 % below its mean.
    assert space.noise == pytest.approx(1.0, rel=0.06)
    spectra = np.stack([np.zeros(23), learning.spectra.mean(axis=0)])
    np.testing.assert_allclose(space.deviation(spectra), [0, space.noise], rtol=1e-9)
    scores = learning.spectra @ space.projection.T
    np.testing.assert_allclose((scores @ space.loadings) @ space.projection.T, scores, rtol=1e-6, atol=1e-6)
    patches = sampled_patches(learning, space, 3, np.random.default_rng(0), overlap=False)
    assert patches.scores.shape[1:] == (9, 5)
    assert patches.deviation.shape == patches.scores.shape[:2]


def test_without_noise_the_networks_stay_at_the_truth():
    shares = mixed_image(13, 19)[1]
    shares = np.concatenate([shares.reshape(-1, 3), np.eye(3).repeat(3, axis=0)])
    clean = xr.DataArray(1e3 * (shares @ ENDMEMBERS)[:, None], dims=("y", "x", "energy_loss"))
    result = unmix(clean, "daeu", n_endmembers=3, **QUICK)
    vca = unmix(clean, VCA(), n_endmembers=3)
    np.testing.assert_allclose(
        np.sort(result.endmember_spectrum.sum("energy_loss")),
        np.sort(vca.endmember_spectrum.sum("energy_loss")),
        rtol=0.02,  # the volume and the steps of the optimiser
    )


@pytest.mark.guarantee(33)
def test_dead_and_doubled_components_are_named():
    spectra = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0]])
    shares = np.eye(3)
    assert fault_of(shares, np.eye(3)) == ""
    assert fault_of(shares, spectra) == "components 0 and 2 are the same"
    assert "component 1 is dead" in fault_of(shares[[0, 2]], np.eye(3))
    assert fault_of(np.ones((4, 1)), spectra[:1]) == ""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"setting": "best"}, "setting needs eels or published, found 'best'"),
        ({"n_networks": 0}, "n_networks needs a whole number of at least 1, found 0"),
        ({"n_epochs": 2.5}, "n_epochs needs a whole number of at least 1, found 2.5"),
        ({"volume": -1.0}, "volume needs a number of at least 0, found -1.0"),
        ({"volume": float("nan")}, "volume needs a finite number of at least 0, found nan"),
    ],
)
def test_options_out_of_range_are_refused(name, options, message):
    with pytest.raises(InputError, match=f"{name.upper()}: {message}"):
        build_method(name, **options)


def test_a_device_that_is_absent_fails_with_a_reason(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    image, _ = mixed_image(7, 9)
    fitted = fit(image, "daeu", n_endmembers=2, device="cuda", n_epochs=1)
    assert fitted.attrs["status"] == "failed"
    assert "torch finds no GPU; set device: auto, move the store" in fitted.attrs["message"]


def test_automatic_is_the_cpu_also_beside_a_gpu(monkeypatch):
    torch = pytest.importorskip("torch")
    from eelsunmix.methods._networks.torch_loop import chosen_device

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [chosen_device(name).type for name in ("auto", "cpu", "cuda")] == ["cpu", "cpu", "cuda"]


def test_an_unknown_device_is_refused():
    image, _ = mixed_image(7, 9)
    with pytest.raises(InputError, match="device needs auto, cpu or cuda, not 'tpu'"):
        fit(image, "vca", n_endmembers=2, device="tpu")


def test_patch_methods_need_an_image():
    image, _ = mixed_image(7, 9)
    learning = bare_learning_set(image, tiles=None, frame_shape=None)
    assert isinstance(learning, LearningSet)
    with pytest.raises(MethodFailedError, match="no rows and columns"):
        build_method("cnnaeu").fit(learning, 2, np.random.default_rng(0))


def test_a_pixel_without_counts_gets_abundances_that_are_finite():
    model = SpectrumEncoder(
        endmembers=np.ones((2, 3)),
        centre=np.ones(3),
        scale=np.ones(3),
        weights={
            "kernel_0": np.ones((3, 2), np.float32),
            "bias_0": np.float32([0, 1]),
            "gain_0": np.float32([1, 1]),
            "shift_0": np.float32([0, 0]),
            "slopes": np.float32([1]),
        },
    )
    found = model.abundances(np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])).mean
    np.testing.assert_allclose(found, np.tile(np.exp([0, 1]) / (1 + np.e), (2, 1)), rtol=1e-7)
