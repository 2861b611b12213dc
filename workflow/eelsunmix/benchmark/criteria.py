"""When a component is dead, or the same as another one."""

DEAD_SHARE = 0.1
"""A component is dead if it is less than this share of a mean pixel in all pixels but one in a hundred."""
SAME_ANGLE = 0.25
"""Two components are the same if their angle is smaller than this part of the smallest true angle."""
