"""How a job of SLURM ended, from what SLURM writes: also where nobody keeps accounts of jobs."""

import re

_ENDS = {
    "memory": r"exceeded (?:job )?memory limit|oom.?kill|out.of.memory",
    "time": r"due to time limit|\btimeout\b|\bdeadline\b",
    "node": r"due to node failure|\bnode_fail\b|\bboot_fail\b",
    "preempted": r"due to preemption|\bpreempted\b",
    "cancelled": r"\bcancelled\b",
}
"""End -> how it is written, in the order in which they count: a step over its limit is cancelled too."""

_WORDS = {
    "memory": "it needed more memory than SLURM gave it{amounts}; more is given by the profile, "
    "set-resources: {{{rule}: {{mem_mb: MB}}}}",
    "time": "it met its limit of time in SLURM; more is given by the profile, "
    "set-resources: {{{rule}: {{runtime: MINUTES}}}}",
    "node": "its node of SLURM failed; run again",
    "preempted": "SLURM gave its node to another job; run again",
    "cancelled": "it was cancelled in SLURM; if nobody did that, ask those who run the cluster",
}
_AMOUNTS = re.compile(r"exceeded (?:job )?memory limit \((\d+) > (\d+)\)", re.IGNORECASE)
_STATE = re.compile(r"SLURM status is: '(\w+)")
_OF_GROUP = "Error in group"
"""All that Snakemake says of a group of jobs: without the state, a limit of time is not told from a stop."""
_REFUSED = re.compile(r"sbatch failed\. The error message was '(?:sbatch: )?(?:error: )?([^'\n]*)")


def reason(message: str, log: str, rule: str) -> str | None:
    """Say why SLURM ended a job, or did not take it.

    Parameters
    ----------
    message : str
        What Snakemake says of the job.
    log : str
        SLURM's log of it, or its end.
    rule : str
        Of the job.

    Returns
    -------
    str or None
        None if the job was not SLURM's, or ended by itself.

    Examples
    --------
    >>> reason("SLURM-job '4' failed, SLURM status is: 'NODE_FAIL'.", "", "denoise")
    'its node of SLURM failed; run again'
    """
    if refused := _REFUSED.search(message):
        return f"SLURM did not take it: {refused[1]}"
    state = _STATE.search(message)
    if not state and not message.startswith(_OF_GROUP):
        return None
    own = [line for line in log.splitlines() if line.startswith(("slurmstepd", "srun"))]
    said = "\n".join([*own, *(state.groups() if state else ())])
    end = next((end for end, pattern in _ENDS.items() if re.search(pattern, said, re.IGNORECASE)), None)
    return _WORDS[end].format(rule=rule, amounts=_amounts(log)) if end else None


def _amounts(log: str) -> str:
    found = _AMOUNTS.search(log)
    if not found:
        return ""
    used, allowed = (int(number) >> 20 for number in found.groups())
    return f" ({used} MB, {allowed} MB were allowed)"
