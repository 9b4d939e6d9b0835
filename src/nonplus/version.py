"""The version of nonplus."""

VERSION = "0.1.0"
