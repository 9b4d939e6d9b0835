"""The texts of the recorded numbers, written for them: short, long, blank at the edges,
beyond ASCII.
"""

# Nothing that a model of simple stories finds absurd: a token of 20 nats has a float32
# error of 1e-5 in any tool.
SHORT = (
    "In the deep green forest there lived an old bear who had lost his hat and was very cold.",
    "She was very happy and ran to tell her mom about the new friend she had met at the park that day.",
    " The dog saw a big red ball in the park and wanted to play with it. ",
    'Tom said, “Let\'s eat a crêpe!”\nHis mom smiled and said, "Yes, we can eat it in the garden."',
    "They ran and ran until the sun went down. Then they went home and had a warm bath. \n",
)

MIDDLE = (
    "One day, a small cat went to the river to look for fish. The water was cold and the wind was loud, but the cat "
    'did not go home. It sat on a stone and waited. A frog jumped out and asked, "Why do you sit here all alone?" '
    'The cat said, "I want to catch a fish for my mother, because she is sick." The frog was kind. It called its '
    "friends, and soon ten frogs pushed a fat fish to the shore.\n\nThe cat thanked them and ran home with the fish. "
    "Its mother ate, and she smiled, and the next day she was well again."
)

# More tokens than stories260K takes, so that a tool that truncates shows it.
LONG = " ".join(
    f"{MIDDLE} On day number {day} they went back to the river, and brought the frogs {day} flies." for day in (1, 2, 3)
)
