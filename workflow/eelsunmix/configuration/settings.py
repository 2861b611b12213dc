"""The settings of a sample: what each key of the configuration is, and its default."""

from typing import Annotated, Any, Literal

from pydantic import Field

from eelsunmix.background import BackgroundOptions
from eelsunmix.configuration.benchmark import BenchmarkOptions
from eelsunmix.configuration.names import LABEL
from eelsunmix.corrections import Corrections
from eelsunmix.edges import EdgeRequest
from eelsunmix.execution.clusters import Execution
from eelsunmix.io import AxesOptions, DetectorOptions
from eelsunmix.nuisance import Number
from eelsunmix.options import Options
from eelsunmix.pca import DenoiseOptions
from eelsunmix.plain import plain_values
from eelsunmix.profiles import Profile, Region
from eelsunmix.rank import ComponentOptions
from eelsunmix.typing import Anchor, Brightness, Device
from eelsunmix.vacuum import Vacuum

EXAMPLE_PREFIX = "example:"
Label = Annotated[str, Field(pattern=f"^{LABEL.pattern}$")]
"""Name that the user invents."""


ComponentName = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^\S(.*\S)?$")]
"""Name of a component, on one line."""


class ReportOptions(Options):
    """What the report says about itself.

    Parameters
    ----------
    title : str, optional
        Heading of the page, 300 characters at most; the name of the sample where it is not given.
    """

    title: Annotated[str, Field(max_length=300)] | None = None


class MethodSettings(Options):
    """One entry of `methods`; further keys are options of the method itself.

    Parameters
    ----------
    method : str
        Name of the method; the label of the entry where it is not given.
    input : {"corrected", "pca", "nlm"}
        What the method learns from: the corrected counts, their reconstruction from the principal components,
        or the one from components smoothed by non-local means.
    brightness : {"auto", "constant", "variable"}
        Whether pixels differ in counts because thickness or beam current vary. If `variable`, methods whose
        abundances sum to one first bring them to the same counts. `auto` measures it in the setting `eels`.
    nuisance : {"auto", 0, 1, 2}
        Directions in which one material differs from itself, as thickness bends the background; they are
        learned in `regions` that are `without` all elements, and taken out of the spectra: those that are
        beyond noise, or so many. For methods whose abundances sum to one, in the setting `eels`.
    anchor : {"none", "edges"}
        Whether the endmembers are mixed so that one has no edges and each of the others its own alone, for
        methods whose abundances sum to one. List a method twice to compare both.
    seed : int, optional
        Seed of this method alone; the seed of the sample where it is not given.
    """

    method: str = ""
    input: Literal["corrected", "pca", "nlm"] = "corrected"
    brightness: Brightness = "auto"
    nuisance: Number = 0
    anchor: Anchor = "none"
    seed: Annotated[int, Field(ge=0)] | None = None
    options: Any = None


class Sections(Options):
    """Keys of the top level, for all samples; inside a sample, they replace those of the top level.

    Parameters
    ----------
    signal : str, optional
        Title of the signal to read from a file that holds several.
    invalid_pixels : {"refuse", "mask"}
        What to do with pixels that are NaN or have no counts: stop, or leave them out of everything.
    axes : mapping
        Calibration, where the file has none or a wrong one.
    detector : mapping
        How the detector counts.
    corrections : mapping
        Steps from raw to corrected counts.
    vacuum : {"auto", "none"} or float
        Pixels without sample, which no method learns from and whose abundances are zero: found by counts and
        spectra, not looked for, or those with fewer counts over all channels than given.
    denoise : mapping
        Principal component analysis.
    components : mapping
        Number of endmembers.
    background : mapping
        How the background of the edges is fitted.
    edges : mapping of names, or a list of them
        Edges for background subtraction: `[Ti, O_K]`, or names with some or all of their fields.
    profiles : mapping of names
        Lines along which maps are summed.
    regions : mapping of names
        Parts of the image of which something is known.
    component_names : mapping of str to str
        Your names of components: element -> name of the component that holds most of its counts, such as
        ``{Ti: SrTiO3, La: LaMnO3}``; ``background`` -> name of one that shows no edge. No fit is made again.
    methods : mapping of labels
        Unmixing methods to run; a method is on if it is listed, ``vca: {}`` being enough. ``recommended: {}``
        is the result that is best on images simulated from the sample's own; without this key, it alone.
    n_learning_pixels : int
        Pixels that a method learns from; all of them if the image has no more.
    seed : int
        Start of every random draw.
    report : mapping
        Heading of the report.
    """

    signal: str | None = None
    invalid_pixels: Literal["refuse", "mask"] = "refuse"
    axes: AxesOptions = AxesOptions()
    detector: DetectorOptions = DetectorOptions()
    corrections: Corrections = Corrections()
    vacuum: Vacuum = "auto"
    denoise: DenoiseOptions = DenoiseOptions()
    components: ComponentOptions = ComponentOptions()
    background: BackgroundOptions = BackgroundOptions()
    edges: dict[Label, EdgeRequest] = Field({})
    profiles: dict[Label, Profile] = Field({})
    regions: dict[Label, Region] = Field({})
    component_names: dict[str, ComponentName] = Field({})
    methods: dict[str, MethodSettings] = Field({})
    n_learning_pixels: int = Field(20_000, ge=1)
    seed: int = Field(0, ge=0)
    report: ReportOptions = ReportOptions()


class SampleSettings(Sections):
    """Everything that is done to one sample, defaults filled in.

    Parameters
    ----------
    name : str
        Its key in the configuration; names its results and its report.
    file : str, optional
        Spectrum image, relative to the folder where Snakemake runs; ``example:NAME`` for one of the examples.
    simulate : mapping, optional
        Scene to simulate instead of a file, and its options.
    scene : str, optional
        Name of that scene.
    fit_on : str, optional
        Another sample, whose fitted models are applied to this one.
    """

    name: str
    file: str | None = None
    simulate: Any = None
    scene: str | None = None
    fit_on: str | None = None

    @property
    def references(self) -> list[str]:
        """Files of the gain and of the dark signal."""
        gain = self.corrections.gain
        return [path for path in (gain.reference, gain.dark) if path]

    @property
    def model_source(self) -> str:
        """Sample whose fitted models are applied to this one: itself, unless `fit_on` names another."""
        return self.fit_on or self.name

    def edges_for(self, label: str) -> dict[str, Any] | None:
        """Edges as plain values, for a method that needs them: no other is fitted again for a window."""
        one = self.methods[label]
        needed = one.anchor == "edges" or "edges" in one.options.needs
        return plain_values(self.edges) if needed else None

    def edge_free_for(self, label: str) -> dict[str, Any]:
        """Return regions without any element, for a method that takes nuisance out of the spectra."""
        if self.methods[label].nuisance == 0:
            return {}
        elements = sorted({edge.element for edge in self.edges.values() if edge.element})
        regions = {
            name: region
            for name, region in self.regions.items()
            if elements and {*elements} <= {*region.without}
        }
        return dict(plain_values(regions))

    def seed_of(self, label: str) -> int:
        """Seed of a method: its own, or that of the sample."""
        seed = self.methods[label].seed
        return self.seed if seed is None else seed


class Configuration(Options):
    """A whole configuration.

    Parameters
    ----------
    samples : dict of str to SampleSettings
        In the order of the file.
    dask : Execution
        Who runs the blocks; never changes a result.
    device : {"auto", "cpu", "cuda"}
        Where networks are trained; ``auto`` is the CPU.
    benchmark : BenchmarkOptions
        What ``snakemake benchmark`` runs.
    files : tuple of str
        Files that were read, the table of samples included.
    """

    samples: dict[str, SampleSettings]
    dask: Execution = Execution()
    device: Device = "auto"
    benchmark: BenchmarkOptions = BenchmarkOptions()
    files: tuple[str, ...] = ()
