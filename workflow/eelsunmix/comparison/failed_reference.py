"""What the sentences say of edges whose background subtraction failed."""

from eelsunmix.comparison.following import judged_edges, reference_edges
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.words import listed


def failed_reference(setting: Setting) -> list[str]:
    """Say first where background subtraction failed, and that nothing is compared with it there."""
    references = reference_edges(setting)
    found = [
        f"The reference failed: {edge}. {problems[0]} Agreement with BS is void there."
        for edge, problems in setting.reference_problems.items()
        if edge in references
    ]
    nobody = "No edge is left that could judge the methods: agreement with BS is void."
    return found + [nobody] * (bool(found) and not judged_edges(setting)) + _failed_besides(setting)


def _failed_besides(setting: Setting) -> list[str]:
    """Edges that judge nobody anyway; why their subtraction failed stands with the warnings."""
    failed = [edge for edge in setting.reference_problems if edge not in reference_edges(setting)]
    if not failed:
        return []
    return [
        f"Background subtraction failed for {listed(failed)}, which no method is judged by: "
        "do not read the BS maps there."
    ]
