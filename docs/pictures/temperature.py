"""What the trained GPT expects after the beginning of a name, at three temperatures.

python docs/pictures/temperature.py
"""

from default_run import default_run
from expected import bars, likeliest
from figure import save

TEMPERATURES = (0.2, 0.5, 1.0)


def draw(figure):
    run = default_run()
    for axes, temperature in zip(figure.subplots(1, 3), TEMPERATURES):
        bars(axes, likeliest(run.model, run.tokenizer, temperature), longest=1.0)
        axes.set_title(f"temperature {temperature:g}", fontsize=10.5)


if __name__ == "__main__":
    save("temperature", draw, size=(5.4, 2.5))
