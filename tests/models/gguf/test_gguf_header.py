"""What a GGUF file says of itself, and files that are none."""

import struct

import numpy as np
import pytest

pytest.importorskip("gguf", reason="files are written with it")

import gguf

from nonplus.errors import BadModel
from nonplus.models.gguf.header import read
from nonplus.models.gguf.kind import check_kind


def written(file, *, architecture="llama", metadata=(), tensors=None):
    writer = gguf.GGUFWriter(file, architecture)
    for key, value, *of in metadata:
        writer.add_key_value(key, value, *of)
    for name, (array, kind) in (tensors or {}).items():
        writer.add_tensor(name, gguf.quantize(array, kind), raw_dtype=kind)
    for write_part in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file):
        write_part()
    writer.close()
    return file


TYPES = gguf.GGMLQuantizationType
VALUES = gguf.GGUFValueType
TENSORS = {
    "a": (np.ones((3, 64), np.float32), TYPES.Q4_0),
    "b": (np.arange(40, dtype=np.float32), TYPES.F32),
    "c": (np.ones((2, 32), np.float32), TYPES.Q8_0),
}


def test_metadata_and_tensors_are_read_as_they_were_written(tmp_path):
    metadata = [
        ("a.text", "grüße", VALUES.STRING),
        ("a.flag", True, VALUES.BOOL),
        ("a.number", -5, VALUES.INT64),
        ("a.small", 200, VALUES.UINT8),
        ("a.real", 0.5, VALUES.FLOAT32),
        ("a.texts", ["x", "", "yz"], VALUES.ARRAY, VALUES.STRING),
        ("a.numbers", [1, 2, 3], VALUES.ARRAY, VALUES.INT32),
    ]
    header = read(written(tmp_path / "m.gguf", metadata=metadata, tensors=TENSORS))
    assert {key: header.metadata[key] for key, *_ in metadata} == {key: value for key, value, *_ in metadata}
    assert [(tensor.name, tensor.type, tensor.numbers) for tensor in header.tensors] == [
        ("a", "Q4_0", 192),
        ("b", "F32", 40),
        ("c", "Q8_0", 64),
    ]
    assert header.types == ("Q4_0", "Q8_0", "F32")
    assert header.architecture == "llama"


def test_a_tensor_lies_where_the_header_says(tmp_path):
    file = written(tmp_path / "m.gguf", tensors=TENSORS)
    place = next(tensor for tensor in read(file).tensors if tensor.name == "b")
    assert np.frombuffer(file.read_bytes()[place.begin : place.end], "<f4").tolist() == list(range(40))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04 a zip file", r"is no GGUF file: it begins with b'PK.*instead of b'GGUF'"),
        (b"GG", "cut off within its header"),
        (b"GGUF\x03\x00\x00\x00", "cut off within its header"),
        (b"GGUF\x01\x00\x00\x00" + bytes(16), "version 1 of GGUF.*convert the model again"),
        (b"GGUF\x00\x00\x00\x03" + bytes(16), r"big-endian.*gguf-convert-endian m.gguf little"),
        (b"GGUF\x03\x00\x00\x00" + struct.pack("<QQQ", 0, 1, 1 << 60), "cut off within its header"),
        (b"GGUF\x03\x00\x00\x00" + struct.pack("<QQQcI", 0, 1, 1, b"k", 99), "header .* is damaged"),
        (b"GGUF\x03\x00\x00\x00" + struct.pack("<QQQcIIQ", 0, 1, 1, b"k", 9, 4, 1 << 62), "cut off within its header"),
    ],
)
def test_another_file_is_told_from_a_damaged_one(tmp_path, content, message):
    file = tmp_path / "m.gguf"
    file.write_bytes(content)
    with pytest.raises(BadModel, match=message):
        read(file)


def test_a_type_newer_than_the_package_is_not_taken_for_damage(tmp_path):
    file = written(tmp_path / "m.gguf", tensors=TENSORS)
    place = file.read_bytes().index(struct.pack("<QcI", 1, b"a", 2))  # the name and rank of the first tensor
    with file.open("r+b") as changed:
        changed.seek(place + 13 + 16)
        changed.write(struct.pack("<I", 1000))
    with pytest.raises(BadModel, match=r"the tensor .a. as type 1000, which the package gguf does not know.*--upgrade"):
        read(file)


@pytest.mark.parametrize(("value", "of"), [(0, VALUES.UINT32), ("32", VALUES.STRING), (True, VALUES.BOOL)])
def test_an_alignment_that_is_no_number_of_bytes_is_damage(tmp_path, value, of):
    file = tmp_path / "m.gguf"
    key, kind = b"general.alignment", {VALUES.UINT32: "<I", VALUES.BOOL: "<?"}
    stored = struct.pack(kind[of], value) if of in kind else struct.pack("<Q", len(value)) + value.encode()
    start = b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, len(key)) + key + struct.pack("<I", of.value)
    file.write_bytes(start + stored)
    with pytest.raises(BadModel, match=f"is damaged .general.alignment is {value!r}, where a number of bytes is"):
        read(file)


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    whole = written(tmp_path / "whole.gguf", metadata=[("a.text", "abc", VALUES.STRING)], tensors=TENSORS).read_bytes()
    end = max(tensor.end for tensor in read(tmp_path / "whole.gguf").tensors)
    file = tmp_path / "m.gguf"
    for length in range(end):
        file.write_bytes(whole[:length])
        with pytest.raises(BadModel, match=r"is empty|is no GGUF file|is cut off"):
            read(file)


def test_a_file_that_may_not_be_read_says_so(open_folder, as_ordinary_user):
    file = written(open_folder / "m.gguf")
    file.chmod(0)
    with as_ordinary_user(), pytest.raises(BadModel, match="may not read"):
        read(file)


# -------------------------------------------------------------------- language models


def kind_of(file, supported=("llama", "qwen2")):
    check_kind(file, read(file), supported=supported)


@pytest.mark.parametrize(
    ("architecture", "kind", "message"),
    [
        ("llama", "adapter", "holds a LoRA adapter.*llama-export-lora"),
        ("clip", "mmproj", "that sees or hears.*file of its language model"),
        ("clip", "model", "that sees or hears"),
        ("llama", "imatrix", "statistics for quantising"),
        ("rwkv7", "model", "architecture 'rwkv7'.*only for llama, qwen2;.*with hf:"),
    ],
)
def test_what_is_no_causal_language_model_is_named(tmp_path, architecture, kind, message):
    metadata = [("general.type", kind, VALUES.STRING)]
    file = written(tmp_path / "m.gguf", architecture=architecture, metadata=metadata, tensors=TENSORS)
    with pytest.raises(BadModel, match=message):
        kind_of(file)


def test_a_vocabulary_alone_is_no_model(tmp_path):
    with pytest.raises(BadModel, match="a vocabulary and no weights"):
        kind_of(written(tmp_path / "m.gguf"))


def test_a_model_of_embeddings_is_no_causal_one(tmp_path):
    metadata = [("llama.attention.causal", False, VALUES.BOOL)]
    with pytest.raises(BadModel, match="is not causal: it makes embeddings"):
        kind_of(written(tmp_path / "m.gguf", metadata=metadata, tensors=TENSORS))


def test_a_causal_model_of_a_supported_architecture_is_accepted(tmp_path):
    kind_of(written(tmp_path / "m.gguf", tensors=TENSORS))
