"""What stores and pages take on the disk, from the size of the image; measured as in docs/decisions/050."""

from dataclasses import dataclass

from eelsunmix.recipes.image_sizes import ImageSize


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Size of what a job leaves, by what.

    Parameters
    ----------
    mb : float
        Spectra, tables, figures and metadata.
    count : float
        Bytes for each count of the image: of Poisson counts in integers; other numbers take up to four.
    pixel : float
        Bytes of a pixel.
    edge, endmember : float
        Bytes of a pixel for each edge, and for each endmember.
    compared : float
        Bytes of a pixel for each edge by each method, the reference being one.
    """

    mb: float
    count: float = 0.0
    pixel: float = 0.0
    edge: float = 0.0
    endmember: float = 0.0
    compared: float = 0.0

    def megabytes(self, size: ImageSize, *, edges: int, endmembers: int, methods: int) -> float:
        """Size in MB, of 10^6 bytes."""
        of_edge = self.edge + self.compared * (methods + 1)
        of_pixel = self.pixel + of_edge * edges + self.endmember * endmembers
        return self.mb + 1e-6 * (self.count * size.counts + of_pixel * size.pixels)


KEPT = {
    "import_image": Kept(mb=0.03, count=1.0, pixel=2),
    "simulate_image": Kept(mb=0.05, count=1.0, pixel=20),
    "correct_gain": Kept(mb=0.05, count=1.0, pixel=2),
    "denoise": Kept(mb=0.06, pixel=135),
    "estimate_endmembers": Kept(mb=0.04, pixel=7),
    "subtract_background": Kept(mb=0.05, edge=19),
    "fit": Kept(mb=0.015),
    "fit_recommended": Kept(mb=0.1, endmember=12),
    "map_recommended": Kept(mb=0.02, pixel=3, endmember=19),
    "map": Kept(mb=0.02, pixel=3, endmember=19),
    "compare": Kept(mb=0.3, compared=19),
    "report": Kept(mb=2.7, pixel=28),
    "index": Kept(mb=0.1),
}
"""Rule -> size of what its job leaves; maps compressed, in float32."""
