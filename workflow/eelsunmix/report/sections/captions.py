"""The prose of the report: what each plot and table shows, in which unit, and what to look for."""

VERDICT = (
    "Each method is judged criterion by criterion; no overall mark is given. Background subtraction "
    "(BS) is the reference, not the truth."
)
LIGHTS = "✔ good, ▲ look closer, ✖ do not rely on it, – not judged. The limits stand in the table below."
NO_EDGES = " No edge is named in the configuration, so that nothing can be compared with BS."
LIMITS = "Limits behind the verdict and its sentences."

TOTAL_COUNTS = (
    "Counts of each pixel summed over all channels, after the corrections. Grey pixels take part in "
    "nothing. Look for drift, steps, charging and bad scan lines."
)
COUNTS_CHECK = (
    "Are the counts counts? A counting detector has a variance / mean of 1; all standard deviations use "
    "the counts per electron printed here."
)
MEAN_SPECTRUM = (
    "Mean spectrum of {n_pixels} pixels before and after the corrections; dotted lines mark the edge "
    "onsets. Look for steps, spikes and edges that nobody asked for."
)
AXES = "Where the calibration of each axis comes from."
SCENE = "What was simulated."
SOURCE = "The file, and what it says of microscope and detector."

CORRECTIONS = "Corrections in the order in which they are applied."
DARK = (
    "Pattern subtracted from every pixel, in counts per channel. Zero within the masks around the "
    "edges, where a pattern cannot be told from the signal."
)
GAIN = (
    "Gain: every channel was divided by this curve; {n_bad} channels were replaced by interpolation. "
    "Look for structure at an edge: there the gain cannot be told from the signal."
)
SPIKES = "Spikes replaced in the raw image ({shown}; corrected.zarr lists every one), in counts."
SHIFT = "Energy shift of each pixel, added to its axis before resampling."

BACKGROUND = (
    "A power law is fitted to the counts below each edge by Poisson maximum likelihood, extrapolated "
    "and subtracted. The exponent is that {exponent}; the amplitude is always that of the pixel. Net "
    "counts are signed and never clipped."
)
EDGES = (
    "Windows and checks of each edge. Off region: mean net counts per pixel where the element is said "
    "to be absent, with its standard error; further than {sigma} σ from zero is flagged ✖: the windows "
    "then see something else than the element."
)
EDGES_UNTESTED = (
    "Windows of each edge. Negative pixels: half of them where the element is absent, fewer elsewhere. A "
    "region in which an element is known to be absent (regions in the configuration) would test the windows."
)
OFF_REGION = (
    "{names}: net counts differ from zero where the element is said to be absent. Do not read them as "
    "element."
)
WINDOWS = (
    "Mean spectra of the pixels with low, middle and high net counts, the background fitted in the grey "
    "window and extrapolated, and the net counts in the blue one. Look whether the line still follows "
    "the spectrum where the element is absent (left)."
)
BACKGROUND_MAPS = (
    "Maps of the background subtraction, one pixel each: net counts, their standard deviation, the "
    "ratio of both, the exponent and the fit's reduced χ² (1 where the power law fits to within the "
    "noise)."
)

BACKGROUND_PROFILES = (
    "Net counts along the profile, summed over its width, with their standard deviation (grey band){truth}. "
    "Where the element is absent they should be zero: below it, the background is less than the power law "
    "expects, above it more."
)

ESTIMATES = (
    "Estimates of the number of components; ✔ marks the one used. Noise level of the tail {level} (1 "
    "for an ideal counting detector), edge of noise {edge}; {rank} eigenvalues lie above the edge."
)
SCREE = (
    "Eigenvalues of the Poisson-weighted data. Components above the edge of noise carry structure; "
    "those below cannot be told from noise. A slow tail above the dashed line points to correlated "
    "noise or drift."
)
SCORES = (
    "Score maps of the components used and of the next two, each on its own scale around zero. "
    "Structure or noise?"
)
LOADINGS = (
    "Loadings of the same components, in counts. They are no spectra of materials: signs are arbitrary."
)

ENDMEMBERS = (
    "Components of all methods are matched to each other by the angle between their noise-weighted spectra."
)
SPECTRA = (
    "Endmember spectra of all methods, one panel per matched component, named after the elements whose "
    "edges it owns. Look for edges of other elements in a spectrum: the method has not separated them. "
    "Every spectrum has unit area{flattened}."
)
SPECTRA_SD = " Bands are ± 2 standard deviations, of methods that know them."
FLATTENED = "; times E³, which takes the background out, weak edges show"
COMPONENTS_BY_METHOD = (
    "The same method by method: matched components have the same colour, dotted lines mark the edge onsets. "
    "Look for the edge of another element in a component, and for a component that no other method finds."
)
CROSS_TALK = (
    "Cross-talk: net counts of each endmember at each edge, divided by those of the endmember that owns "
    "the edge (1), between endmembers of equal total counts. Zero elsewhere in a column means a clean "
    "separation; negative values mean that the spectrum dips there."
)
ANGLES = (
    "Mean noise-weighted spectral angle (rad) between the matched endmembers of two methods; 0 is the same."
)

MAPS = (
    "All methods are brought to one unit, the counts of an edge: the endmembers are fitted to the "
    "corrected counts, and the net counts of each endmember at the edge are added up with these "
    "weights. No arbitrary factor is left."
)
ELEMENT_MAPS = (
    "Element maps in counts of the edge, one pixel each; zooming one map zooms all. On the common scale "
    "equal colours mean equal counts: it spans 96 % of the values of a typical method, one on its own "
    "99 %. As returned: the abundance of the component that owns the edge."
)
MAP_SCORES = (
    "Maps against BS. The noise ceiling is the r that the true map itself would have with the noisy BS "
    "map: more than that says nothing. Scale: the factor that brings the map to BS, ideally 1."
)
MAP_OFF_REGION = " Off region: mean counts where the element is said to be absent, ideally 0."
COMPONENT_MAPS = (
    "Abundance of every component as its method returns it, each on its own scale; columns are the "
    "matched components. Abundances of different methods need not have the same unit."
)
COMPONENT_SD = (
    " A row “sd” holds the standard deviation of the maps above it, where the method knows it; it holds if "
    "the mixing is linear and the noise as assumed."
)

PROFILES = "The profiles. Counts are summed over the width."
ELEMENT_PROFILES = (
    "Counts of each edge along the profile, summed over its width: BS with its standard deviation (grey "
    "band) and all methods in the same counts{truth}. Scaled to BS: each method times the factor in the "
    "tables below. Differences inside the band mean nothing."
)
PROFILE_SCORES = (
    "Profiles against BS: correlation r (compare with the noise ceiling), factor to BS, rms error after "
    "scaling divided by the peak, reduced χ²; and the shape of the main peak: full width at half "
    "maximum, widths of the left and right flank between 10 % and 90 % (all in {unit}), and asymmetry "
    "(right − left) / (right + left)."
)

CHI2 = (
    "Reduced χ² of each pixel, common scale. 1 is noise alone; structure shows where the endmembers do "
    "not suffice."
)
MEAN_RESIDUAL = (
    "Residual spectrum averaged over {n_pixels} pixels, in units of its expected standard deviation; "
    "grey: ±2 σ. Structure at an edge means that a component is missing or wrong; spikes mean bad "
    "channels."
)

TRUTH = "The sample is simulated: what every method should have found is known."
TRUE_SPECTRA = (
    "True endmember spectra (broad grey line) and the matched ones of all methods, all at unit area."
)
TRUE_PROFILES = (
    "Abundance of each true endmember along the profile, averaged over its width (broad grey line), and "
    "the abundances of the matched components. BS has no abundances."
)

COST = "Wall time and peak memory of every rule of this sample, as measured by Snakemake."
MAPPING = (
    "The abundances alone, mapped with the fitted model: without start-up, reading, refit, residuals and "
    "writing; the fastest of a few repeats on the first rows of the image. Last column: what an image of "
    "64 × 64 pixels takes at this speed, ✔ if that is less than {limit}, which the paper expects of a "
    "trained network."
)
PROVENANCE = (
    "The page reads sealed stores and computes nothing new; it changes only when one of these seals changes."
)
SEALS = "Seals of the stores that this page was made from"
FITS = (
    "How each method was run. Pixels are brought to the same counts where thickness or beam current vary and "
    "abundances sum to one; in brackets the measured variation, in units of the noise (1: none)."
)
CHAINS = (
    " Effective sample size and split R-hat are those of the endmember that fares worst: so many independent "
    "draws would give its mean as precisely, and the halves of the chain agree where R-hat is near 1 (above "
    "1.1 the chain has not converged)."
)
