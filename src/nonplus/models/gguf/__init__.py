"""GGUF files of llama.cpp, with their weights unpacked."""
