"""The embeddings of the tokens before and after training, as seen from where they differ most.

python docs/pictures/embeddings.py

A row of 16 numbers is a place in 16 dimensions. The picture is their shadow on the plane in which
the places are spread most widely: its two axes are the principal components.
"""

import numpy as np
from default_run import default_run
from figure import BLUE, GREEN, ORANGE, save
from model import Config
from run import Training, new_run

VOWELS = "aeiouy"


def places(model):
    """Two coordinates for each token, and how much of the spread they show."""
    rows = np.array([row.data for row in model.weights["wte"]])
    centred = rows - rows.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    shadow = centred @ directions[:2].T
    a = 0  # a direction may point either way: let the letter a be on the right and at the top
    shadow *= np.where(shadow[a] < 0, -1.0, 1.0)
    return shadow, (sizes[:2] ** 2).sum() / (sizes**2).sum()


def before_and_after():
    return {
        "before training": new_run(None, Config(), Training()).model,
        "after 1,000 steps": default_run().model,
    }


def draw(figure):
    characters = default_run().tokenizer.characters + "·"
    for axes, (title, model) in zip(figure.subplots(1, 2), before_and_after().items()):
        shadow, share = places(model)
        for (x, y), character in zip(shadow, characters):
            colour = GREEN if character == "·" else ORANGE if character in VOWELS else BLUE
            axes.text(
                x,
                y,
                character,
                color=colour,
                ha="center",
                va="center",
                fontsize=14,
                fontweight="bold",
            )
        reach = 1.12 * abs(shadow).max()
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])
        axes.set_title(f"{title}\n{share:.0%} of the spread", fontsize=11)
        axes.spines[:].set_visible(True)
        axes.spines[:].set_alpha(0.3)


if __name__ == "__main__":
    save("embeddings", draw, size=(5.6, 3.2))
