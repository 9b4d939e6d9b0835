"""llama-server, which runs GGUF files, cannot score a prompt: it is refused as the
server of a model, and its file is scored instead.
"""

import pytest

pytest.importorskip("gguf", reason="files are written with it")
pytest.importorskip("xllamacpp", reason="it is llama.cpp")
pytest.importorskip("urllib3", reason="servers are asked by it")

import llama_cpp
import written

from nonplus.errors import BadModel
from nonplus.models import open_model

pytestmark = [pytest.mark.slow, pytest.mark.peers]


def test_llama_server_has_no_echo_and_the_message_says_what_to_do(data, tmp_path):
    file = tmp_path / "m.gguf"
    folder = data / "models" / "stories260K"
    written.write(file, folder, "F32")
    with llama_cpp.opened(file) as server:
        name = f"openai:{server.listening_address}/v1#{file}"
        for model in (name, f"{name},tokenizer={folder}"):
            with pytest.raises(BadModel, match=r"\(llamacpp\) cannot be scored with: .*echo is missing.* gguf:FILE"):
                open_model(model)
