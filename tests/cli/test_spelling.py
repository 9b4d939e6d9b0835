"""A message names flags on the command line and arguments in Python."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nonplus
from nonplus.cli.terminal.spelling import with_flags
from nonplus.corpora import CorpusOptions
from nonplus.errors import NonplusError
from nonplus.measure.forward import RunOptions
from nonplus.measure.protocol.choices import Protocol
from nonplus.models.loading import Loading

TEXT = "The quick brown fox jumps over the lazy dog."
ARGUMENT = re.compile(r"(?<![\w./'-])[a-z_]+=")


@pytest.mark.parametrize(
    ("sentence", "printed"),
    [
        ("use window=1024.", "use --window 1024."),
        ("omit trust_remote_code=True, please", "omit --trust-remote-code, please"),
        ("it needs packing=False", "it needs no --packing"),
        ("use identify_languages=True, or trim=3.5", "use --identify-languages, or --trim 3.5"),
        ("name it with field=…", "name it with --field …"),
        ("context_field='the prompt'; or", "--context-field 'the prompt'; or"),
        ("dtype='float16': (bos=none)", "--dtype float16: (--bos none)"),
        ("use model=bundled:tiny, level=0.95", "use --model bundled:tiny, --level 0.95"),
        ("joiner='' has no effect", "--joiner '' has no effect"),
        ("no file a/window=3/b.txt, 'field=4'", "no file a/window=3/b.txt, 'field=4'"),
        ("use e.g. trim=3.5, or other=en", "use e.g. --trim 3.5, or --other en"),
        ("begin with prune=0,0,1, or counts=0,1", "begin with --prune 0 0 1, or --counts 0 1"),
        ("windows=3 is_decoder=True targets=", "windows=3 is_decoder=True targets="),
        ("use f(nats, quartiles=(1, 2), width=3), (width=4)", "use f(nats, quartiles=(1, 2), width=3), (--width 4)"),
        ("(see gaussian(nats, width=2): trim=3)", "(see gaussian(nats, width=2): --trim 3)"),
        ("calls( width=3", "calls( --width 3"),
    ],
)
def test_an_option_in_a_message_becomes_a_flag(sentence, printed):
    assert with_flags(sentence) == printed


@given(st.text())
def test_a_sentence_without_an_option_stays_as_it_is(sentence):
    assert with_flags(sentence.replace("=", "")) == sentence.replace("=", "")


# Options as typed, and the same in Python.
WRONG = [
    (("--window", "1"), dict(window=1)),
    (("--window", "100000", "-m", "tiny"), dict(window=100_000, model="tiny")),
    (("--window", "16", "--stride", "32"), dict(window=16, stride=32)),
    (("--stride", "-3"), dict(stride=-3)),
    (("--cut", "whole", "--stride", "3"), dict(cut="whole", stride=3)),
    (("--scored", "second-half"), dict(scored="second-half")),
    (("--too-long", "truncate"), dict(too_long="truncate")),
    (("--joiner", "--"), dict(joiner="--")),
    (("--bos", "none", "--without-bos", "eos"), dict(bos="none", without_bos="eos")),
    (("--cut", "grid", "--denominator", "lm-eval"), dict(cut="grid", denominator="lm-eval")),
    (("--bos", "eos"), dict(bos="eos")),
    (("--bos", "replace"), dict(bos="replace")),
    (("--cut", "grid", "-m", "tiny"), dict(cut="grid", model="tiny")),
    (("-p", "llama.cpp"), dict(protocol="llama.cpp")),
    (("-p", "gptq", "-m", "tiny"), dict(protocol="gptq", model="tiny")),
    (("-p", "evaluate", "--window", "3"), dict(protocol="evaluate", window=3)),
    (("--budget", "-1"), dict(budget=-1)),
    (("--alternatives", "-1"), dict(alternatives=-1)),
    (("--until", "0.1", "-p", "hf-doc"), dict(until=0.1, protocol="hf-doc")),
    (("--limit", "-1"), dict(limit=-1)),
    (("--messages", "a", "--context-field", "b"), dict(messages="a", context_field="b")),
    (("--field", ""), dict(field="")),
    (("--dtype", "float16"), dict(dtype="float16")),
    (("--device", "cuda"), dict(device="cuda")),
    (("--device-map", "auto"), dict(device_map="auto")),
    (("--adapter", "lora"), dict(adapter="lora")),
    (("--revision", "main"), dict(revision="main")),
    (("--quantization", "4bit"), dict(quantization="4bit")),
    (("--trust-remote-code",), dict(trust_remote_code=True)),
]


def in_python(*, model="uniform:256", protocol="full", until=0.0, **options):
    def of(kind):
        return {key: value for key, value in options.items() if key in kind.__dataclass_fields__}

    CorpusOptions(**of(CorpusOptions))
    opened = nonplus.open_model(model, loading=Loading(**of(Loading)))
    chosen = Protocol.named(protocol).but(**of(Protocol))
    nonplus.evaluate(TEXT, model=opened, protocol=chosen, options=RunOptions(**of(RunOptions)), until=until)


@pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning")
@pytest.mark.parametrize(("typed", "passed"), WRONG, ids=lambda value: " ".join(value))
def test_a_wrong_option_is_named_as_the_user_wrote_it(run, fox, typed, passed):
    ran = run("score", fox, *(() if "-m" in typed else ("-m", "uniform:256")), *typed)
    assert ran.code == 2, ran.err
    assert not ARGUMENT.search(ran.err)
    assert re.search("--[a-z]", ran.err)
    with pytest.raises(NonplusError) as refused:
        in_python(**passed)
    assert not re.search("--[a-z]", str(refused.value))
    assert ARGUMENT.search(str(refused.value))


def texts(path):
    """The strings of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return [node.value for node in found if id(node) not in docs]


# Of vLLM, SGLang, llama.cpp and pip.
OF_OTHERS = {"--logprobs-mode", "--no-enable-prefix-caching", "--disable-radix-cache", "--merge", "--upgrade"}


def test_below_the_command_line_no_text_names_a_flag():
    source = Path(nonplus.__file__).parent
    above = (source / "cli", source / "views" / "heatmap")  # the names of CSS begin with -- too
    below = [path for path in source.rglob("*.py") if not any(map(path.is_relative_to, above))]
    assert len(below) > 50
    named = [(path.name, set(re.findall(r"(?<![\w-])--[a-z-]+", text))) for path in below for text in texts(path)]
    assert not [(name, flags - OF_OTHERS) for name, flags in named if flags - OF_OTHERS]
