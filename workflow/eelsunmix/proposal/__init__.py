"""A configuration proposed for a spectrum image: its edges are found, named, and given windows."""

from eelsunmix.proposal.proposing import Proposal, propose_edges
from eelsunmix.proposal.text import configuration_text

__all__ = ["Proposal", "configuration_text", "propose_edges"]
