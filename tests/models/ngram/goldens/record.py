"""Ask other tools once what becomes of a text, and write down what they say.

They are run in an environment of their own (``pip install datatrove[processing]==0.10.1
kenlm==0.3.0``) with the sources of the two that are no packages at hand: the folders of
facebookresearch/cc_net at bda555bd and mlfoundations/dclm at 361714bd. See the field
"command" of the recorded file.
"""

import importlib.util
import json
import random
import sys
import unicodedata
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

FILE = Path(__file__).with_name("normalizers.json")
COMMAND = "python tests/models/ngram/goldens/record.py CC_NET_FOLDER DCLM_FOLDER"

BY_HAND = [
    "",
    " ",
    "Plain words.",
    "  Trimmed  on both sides \t\n",
    "ends\nof lines\r\nare glued\ttoo",
    "In 2023, 12.5 % of 1,000,000 (or 3.14.15)",
    "a\0b \x01c\x7f\x85d\x9f",
    "CAPITALS É İstanbul ΣΊΣΥΦΟΣ ΑΣ ΑΣ\u0301 ẞ \u017f",
    "cafe\u0301 café naïve Å \u212b Ω \u2126 ﬁ ½ ① ² \u1e9b\u0323",
    "“quoted” \u2018single\u2019 «guillemets» „low“ — – … ► \uff05 \uff5e \uff11\uff12\uff13 \uff0e",
    "\uff08\uff09 【x】《y》「z」",
    "٣\u066b\u0661\u0664 ٢،\u0665 १२३ \U0001d7d9\U0001d7da 1\u0665 12.\u0665 7⎖8 ৳",
    "\u0301 leading mark",
    "\u0301\u0327 \u0344x trailing\u0301 \u0327",
    "한국어 \u1112\u1161\u11ab 日本語、テスト。 が か\u3099",
    "क़ ক\u09c7\u09be \u0f73 \u0f71\u0f72 \U0001d15e \u302e\u302f",
    "\u00a0no-break\u00a0 \u2003em\u3000 \u200bzero\ufeff",
    "emoji 😀\u200d👩 flags 🇩🇪 \ue000 \ufffd",
    "\x1c\x1d separators \x1e\x1f \x0b\x0c",
    "—dash first and last—",
    "MiXeD 4TH of JULY—1776…\u2018ok\u2019",
]


def texts() -> list[str]:
    """Those by hand, and some that mix their characters."""
    draw = random.Random(11)
    characters = "".join(BY_HAND) + " \n aeE.1"
    return BY_HAND + ["".join(draw.choices(characters, k=draw.randint(1, 30))) for _ in range(300)]


def module(path: Path) -> ModuleType:
    """The module in a file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def ccnet(folder: Path) -> Callable[[str], str]:
    """``normalize`` with the arguments of ``mine.py``: none but the text."""
    return module(folder / "cc_net" / "text_normalizer.py").normalize


def edugp(folder: Path) -> Callable[[str], str]:
    """``KenlmModel.normalize`` with the arguments of ``from_pretrained``."""
    for name in ("core", "core.constants", "core.factory_utils"):  # its package, which is not installed
        sys.modules[name] = ModuleType(name)
    sys.modules["core.constants"].CONTENT = "text"  # type: ignore[attr-defined]
    sys.modules["core.factory_utils"].factory_function = lambda function: function  # type: ignore[attr-defined]
    kind = module(folder / "baselines/mappers/enrichers/quality_prediction_enrichers_kenlm_model.py").KenlmModel
    model = kind.__new__(kind)  # without its files
    return lambda text: model.normalize(text, accent=False, case=False, numbers=True, punct=1)


def datatrove() -> Callable[[str], str]:
    """``KenlmModel.normalize``."""
    kind = importlib.import_module("datatrove.utils.perplexity").KenlmModel
    return kind("oscar", "en").normalize


def main(cc_net_folder: str, dclm_folder: str) -> None:
    """Record the three; see the field "command"."""
    given = texts()
    tools = {
        "ccnet": ("facebookresearch/cc_net at bda555bd, cc_net/text_normalizer.py", ccnet(Path(cc_net_folder))),
        "edugp": ("mlfoundations/dclm at 361714bd, edugp's model.py as copied there", edugp(Path(dclm_folder))),
        "datatrove": (f"datatrove {version('datatrove')}, utils/perplexity.py", datatrove()),
    }
    recorded = {
        "command": COMMAND,
        "python": sys.version.split()[0],
        "unicode": unicodedata.unidata_version,
        "texts": given,
        "tools": {
            name: {"tool": tool, "results": [normalize(text) for text in given]}
            for name, (tool, normalize) in tools.items()
        },
    }
    FILE.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
