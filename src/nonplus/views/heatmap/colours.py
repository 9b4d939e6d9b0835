"""The colours of surprisal: lighter to stronger in steps of a bit, readable in light and in dark.

Lightness falls (in the dark: rises) with every step, so that the order can be seen without telling hues apart, and the
text on each step keeps the contrast of 4.5 to 1 that WCAG 2.2 asks for.
"""

import math

STEPS = 12  # bits; from here on there is no stronger colour

# Stops at 0, 4, 8 and 12 bits; between them colours are mixed in equal steps.
LIGHT = ((0xFF, 0xFF, 0xFF), (0xFF, 0xEC, 0xB8), (0xFF, 0xB6, 0x6B), (0xF0, 0x74, 0x4C))
DARK = ((0x16, 0x18, 0x1D), (0x3D, 0x2F, 0x1C), (0x74, 0x40, 0x17), (0xB0, 0x41, 0x1F))
INK = {"light": (0x1B, 0x1D, 0x22), "dark": (0xF1, 0xEE, 0xE8)}

Colour = tuple[int, int, int]


def step_of(nats: float) -> int:
    """Whole bits of surprisal, at most ``STEPS``."""
    return min(STEPS, int(nats / math.log(2)))


def colour(stops: tuple[Colour, ...], step: int) -> Colour:
    """The colour of a step."""
    place = step / STEPS * (len(stops) - 1)
    low = min(int(place), len(stops) - 2)
    red, green, blue = (round(a + (b - a) * (place - low)) for a, b in zip(stops[low], stops[low + 1], strict=True))
    return red, green, blue


def scale_css() -> str:
    """Style rules of the steps, for both schemes."""
    rules = [f".s{step} {{ background: var(--s{step}) }}" for step in range(STEPS + 1)]
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}"
    return "\n".join([f":root {{ {_variables(LIGHT)} }}", dark, *rules])


def _variables(stops: tuple[Colour, ...]) -> str:
    return "; ".join(f"--s{step}: #{bytes(colour(stops, step)).hex()}" for step in range(STEPS + 1))
