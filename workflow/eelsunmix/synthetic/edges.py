"""The edges of the simulated scenes, with the windows that their BS takes."""

from eelsunmix.edges import Edge


def _edge(element: str, onset: float, fit: tuple[float, float], integrate: tuple[float, float]) -> Edge:
    return Edge(element=element, onset_eV=onset, fit_eV=fit, integrate_eV=integrate)


SCENE_EDGES: dict[str, Edge] = {
    "B_K": _edge("B", 188, (155, 183), (188, 238)),
    "Ru_M45": _edge("Ru", 280, (225, 275), (285, 385)),  # delayed; C K and the tail of Pt N lie under it
    "C_K": _edge("C", 284, (240, 278), (284, 324)),
    "N_K": _edge("N", 402, (355, 395), (400, 440)),
    "Ru_M23": _edge("Ru", 461, (400, 455), (458, 500)),
    "O_K": _edge("O", 532, (480, 525), (530, 570)),
    "Co_L23": _edge("Co", 779, (680, 770), (778, 860)),
}
