"""The prose of the benchmark's page."""

INTRO = (
    "Images of 8 × 8 blocks of pure materials, mixed by a 9 × 9 mean filter, with Poisson noise, as in "
    "section 2.1 of the paper; the doses are ours, since the paper gives none. Each method is run in the "
    "setting that its authors published and in the one for EELS counts, on the same images."
)
RANKING = (
    "All methods at {counts} counts, the best first: NMSE of the abundance maps, mean over the endmembers; "
    "mean ± standard deviation over the images. Background subtraction (BS) gives counts and has no NMSE."
)
MAPS = (
    "Error of the abundance maps of each endmember (figure 4 of the paper), mean and standard deviation over "
    "{n} images. A bar that would reach zero or below is cut, since the scale is logarithmic. The oracle "
    "knows the true endmembers (weighted, fully constrained least squares); the Cramér-Rao limit holds for "
    "unbiased estimates of single pixels and may be passed by estimates that are non-negative or share "
    "information between pixels. Background subtraction (BS) gives counts: it is judged by the scale-free "
    "error of the edge that stands for the endmember, where there is one."
)
SPECTRA_ERRORS = (
    "Spectral angle between the true and the matched endmember (figure 5 of the paper), mean and standard "
    "deviation over {n} images. The plain angle is dominated by the first channels, where all endmembers "
    "are background; the whitened one counts every channel by its noise."
)
TABLE = (
    "Mean over the endmembers; mean ± standard deviation over the images. Scale-free: after the best factor "
    "for each map. Then components of all images that are dead (less than {dead} of the counts of a mean "
    "pixel, in all pixels but one in a hundred) or duplicated (an angle below {same} of the smallest true "
    "one), and images on which the method did not converge or failed."
)
TIMES = (
    "Wall time per image (table 3 of the paper): median over the images at {counts} counts, "
    "on the machine that made this page. The time to fit is what a new sample costs in addition to its "
    "weighted PCA, which all methods share (that of other software includes its own decomposition and maps); "
    "the time to map is what the abundances of the next image of the same sample cost (at most 64 × 64 "
    "pixels of it), without start-up, refit and residuals; ✔ if that is less than {limit}, which the paper "
    "expects of a trained network."
)
SHOWN = (
    "Maps of the first image at {counts} counts, each times the factor that brings it nearest to the truth, "
    "so that only the pattern is compared. Published settings are on the left, those for counts on the right."
)
SPECTRA = "Matched endmembers of the first image beside the true ones."
PROVENANCE = "What the page was made from. The same settings give the same numbers."
