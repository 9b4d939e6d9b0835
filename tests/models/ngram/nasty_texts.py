"""Texts of characters that one normaliser or another treats in a way of its own."""

from hypothesis import strategies as st

# What has gone wrong in one tool or another, and letters that are composed of others.
NASTY = "aZ5 \n\r\t\v\f\0\x01\x1c\x7f\x85\xa0\xad\u200b\u2003\u2028\u3000\u0301\u0327\u0345\u0344\u0f71\u0f73<s>."
NASTY += "\u1100\u1161\u11a8\u09c7\u09be\U0001d15e\uff11\uff0e\u2014\u2026\u2019\u060c\u0665\u096b\u2460"
NASTY += "\xe9\xc9\u0130\u03a3\u03c3\u03c2\xdf\u017f\u6f22\uac00\xab\U0001f600"
characters = st.sampled_from(NASTY) | st.characters(exclude_categories=["Cs"])
texts = st.lists(st.text(characters, max_size=12), min_size=1, max_size=4)
units = st.sampled_from(["line", "document"])
