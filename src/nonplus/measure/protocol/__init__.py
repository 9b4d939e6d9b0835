"""Every choice that changes the figure, and the names under which the field makes these
choices.
"""
