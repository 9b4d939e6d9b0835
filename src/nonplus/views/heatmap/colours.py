"""The colours of surprisal, one for each bit, for the page and for the terminal.

Lightness falls with every step (in the dark scheme it rises), so the order can be seen
without telling hues apart. Text on every step has the contrast of 4.5 to 1 that WCAG
2.2 requires.
"""

import math

STEPS = 12  # bits; the strongest colour is for 12 bits and more

# Colours at 0, 4, 8 and 12 bits; those in between are interpolated.
LIGHT = ((0xFF, 0xFF, 0xFF), (0xFF, 0xEC, 0xB8), (0xFF, 0xB6, 0x6B), (0xF0, 0x74, 0x4C))
DARK = ((0x16, 0x18, 0x1D), (0x3D, 0x2F, 0x1C), (0x74, 0x40, 0x17), (0xB0, 0x41, 0x1F))
LIGHT_INK = (0x1B, 0x1D, 0x22)  # text on LIGHT
DARK_INK = (0xF1, 0xEE, 0xE8)  # text on DARK

# A terminal may be light or dark: colours of medium lightness with dark text are
# readable in both.
TERMINAL = ((0xC4, 0xBF, 0xA8), (0xE0, 0xC0, 0x70), (0xF5, 0x9A, 0x4A), (0xEE, 0x5F, 0x4A))
TERMINAL_INK = (0x11, 0x11, 0x11)
# For terminals with 16 colours, from these steps on.
SIXTEEN = {2: "black on white", 4: "black on yellow", 8: "bright_white on red", 12: "bright_white on magenta"}

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


def terminal_styles(*, sixteen: bool) -> list[str]:
    """The style of each step; the least surprising ones have no colour."""
    first = min(SIXTEEN)
    if sixteen:
        starts = [max(filter(step.__ge__, SIXTEEN)) for step in range(first, STEPS + 1)]
        return [""] * first + [SIXTEEN[start] for start in starts]
    backgrounds = [hexadecimal(colour(TERMINAL, step)) for step in range(first, STEPS + 1)]
    return [""] * first + [f"{hexadecimal(TERMINAL_INK)} on {background}" for background in backgrounds]


def hexadecimal(value: Colour) -> str:
    """A colour as CSS and terminals write it."""
    return f"#{bytes(value).hex()}"


def scale_css() -> str:
    """Style rules for the steps and the text on them, in both colour schemes."""
    rules = [f".s{step} {{ background: var(--s{step}) }}" for step in range(STEPS + 1)]
    light, dark = _variables(LIGHT, LIGHT_INK), _variables(DARK, DARK_INK)
    dark_scheme = f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
    return "\n".join([f":root {{ {light} }}", dark_scheme, *rules])


def _variables(stops: tuple[Colour, ...], ink: Colour) -> str:
    colours = {f"--s{step}": colour(stops, step) for step in range(STEPS + 1)} | {"--ink": ink}
    return "; ".join(f"{name}: {hexadecimal(value)}" for name, value in colours.items())
