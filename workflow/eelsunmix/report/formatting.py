"""Numbers, durations and sizes as a reader wants to see them."""

import math
from typing import Any

DASH = "–"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: Any, digits: int = 3) -> str:
    r"""Write a number with `digits` significant digits; a dash for what is missing or not finite.

    Examples
    --------
    >>> number(0.123456), number(1234567.8), number(12345), number(float("nan")), number(2.5e-7)
    ('0.123', '1.23×10⁶', '12\u202f300', '–', '2.5×10⁻⁷')
    """
    try:
        value = float(value)
    except (TypeError, ValueError):
        return DASH
    if not math.isfinite(value):
        return DASH
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    exponent = math.floor(math.log10(abs(rounded)))
    if not -4 <= exponent < 6:
        mantissa = f"{rounded / 10.0**exponent:.{digits - 1}f}".rstrip("0").rstrip(".")
        return f"{mantissa}×10{str(exponent).translate(_SUPERSCRIPT)}".replace("-", "−")
    return f"{rounded:,.{max(0, digits - 1 - exponent)}f}".replace(",", "\u202f").replace("-", "−")


def tidy(value: Any, digits: int = 6) -> str:
    """Write a number that somebody chose: no digits that say nothing.

    Examples
    --------
    >>> tidy(225.0), tidy(0.05), tidy(275.5), tidy(float("nan"))
    ('225', '0.05', '275.5', '–')
    """
    text = number(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text and "×" not in text else text


def decimals(value: Any, places: int = 3) -> str:
    r"""Write a number of the order of one with a fixed number of decimals, larger ones with three digits.

    Examples
    --------
    >>> decimals(0.99612), decimals(-0.5, 2), decimals(1130.2), decimals(None), decimals(-1e-5)
    ('0.996', '−0.50', '1\u202f130', '–', '0.000')
    """
    text = number(value)
    if text == DASH or abs(float(value)) >= 10:
        return text
    return f"{float(value):z.{places}f}".replace("-", "−")


def integer(value: Any) -> str:
    r"""Write an integer with thin spaces between the thousands.

    Examples
    --------
    >>> integer(1234567), integer(None)
    ('1\u202f234\u202f567', '–')
    """
    try:
        return f"{int(value):,}".replace(",", "\u202f").replace("-", "−")
    except (TypeError, ValueError):
        return DASH


def percent(fraction: Any) -> str:
    """Write a fraction as per cent.

    Examples
    --------
    >>> percent(0.123456), percent(0.0123456), percent(1e-9), percent(0)
    ('12.3 %', '1.2 %', '< 0.01 %', '0 %')
    """
    text = number(fraction)
    if text in (DASH, "0"):
        return text if text == DASH else "0 %"
    value = 100 * float(fraction)
    return "< 0.01 %" if 0 < value < 0.01 else f"{number(value, 2 if value < 10 else 3)} %"


def plus_minus(value: Any, deviation: Any, digits: int = 2) -> str:
    r"""Write a value and its standard deviation with as many decimals as the deviation deserves.

    Of the deviation two digits tell something, or fewer where itself it is a rough estimate.

    Examples
    --------
    >>> plus_minus(12.3456, 0.234), plus_minus(1234.5, 250), plus_minus(-0.001, 1)
    ('12.35 ± 0.23', '1\u202f234 ± 250', '0.0 ± 1.0')
    >>> plus_minus(454.0, 0.29, digits=1), plus_minus(460.0, 1.93, digits=1)
    ('454.0 ± 0.3', '460 ± 2')
    """
    if number(value) == DASH:
        return DASH
    if number(deviation) == DASH or float(deviation) <= 0:
        return number(value)
    decimals = max(0, digits - 1 - math.floor(math.log10(float(deviation))))
    if decimals > 5 or float(deviation) >= 1e6:
        return f"{number(value)} ± {number(deviation, digits)}"
    text = f"{float(value):z,.{decimals}f} ± {float(deviation):,.{decimals}f}"
    return text.replace(",", "\u202f").replace("-", "−")


def duration(seconds: Any) -> str:
    """Write a duration in the unit that suits it.

    Examples
    --------
    >>> duration(0.0123), duration(12.34), duration(754), duration(7384)
    ('12 ms', '12.3 s', '12 min 34 s', '2 h 3 min')
    """
    if number(seconds) == DASH:
        return DASH
    seconds = float(seconds)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 100:
        return f"{number(seconds)} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def size(n_bytes: Any) -> str:
    """Write a number of bytes.

    Examples
    --------
    >>> size(532), size(2_400_000)
    ('532 B', '2.4 MB')
    """
    if number(n_bytes) == DASH:
        return DASH
    amount = float(n_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{tidy(amount, 3)} {unit}"
        amount /= 1000
    return f"{tidy(amount, 3)} TB"


def interval(bounds: Any, unit: str, digits: int = 6) -> str:
    """Write a window.

    Examples
    --------
    >>> interval([225, 275.5], "eV")
    '225 – 275.5 eV'
    """
    low, high = bounds
    return f"{tidy(low, digits)} – {tidy(high, digits)} {unit}"


def in_words(name: str) -> str:
    """Return the name of an edge or a profile as it is spoken.

    Examples
    --------
    >>> in_words("Ru_M23"), in_words("along_y")
    ('Ru M23', 'along y')
    """
    return name.replace("_", " ")
