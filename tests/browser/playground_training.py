"""Two moons and the GPT, trained in the page as a reader would: the numbers are the native ones.

pytest tests/browser/playground_training.py
"""

import importlib
import re
import sys
import time
from pathlib import Path

import pytest
from waiting import until

ROOT = Path(__file__).parents[2]
sys.path[:0] = [
    str(ROOT / folder)
    for folder in ("docs/assets/playground/python", "examples", "examples/microgpt")
]
gpt, moons = map(importlib.import_module, ("gpt", "moons"))

STEPS = 60  # of the GPT's run
PATIENCE = 30_000  # milliseconds, on a machine that has much to do


class Panel:
    """A page with a panel in it, and what a reader does there."""

    def __init__(self, seen, address):
        self.page, self.complaints, self.address = seen.page, seen.complaints, address
        self.page.set_default_timeout(PATIENCE)

    def start(self):
        self.button(re.compile("^Start")).click()
        self.page.get_by_text("engine, on Python").wait_for()
        until(self.page, "!document.querySelector('.playground .md-button[disabled]')")

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=isinstance(name, str))

    def press(self, name):
        self.button(name).press("Enter")  # with the keyboard, which is harder than with a mouse

    def field(self, label):
        return self.page.get_by_label(label, exact=True)

    @property
    def said(self):
        return self.page.locator(".training-said").first.inner_text()

    @property
    def step(self):
        return int(re.match(r"Step ([\d,]+)", self.said)[1].replace(",", ""))

    def wait(self, text):
        self.page.locator(".training-said", has_text=text).first.wait_for()

    def wait_for_step(self, step):
        end = time.monotonic() + PATIENCE / 1000
        while not self.said.startswith("Step") or self.step < step:
            assert time.monotonic() < end, self.said
            time.sleep(0.05)

    def press_at_step(self, name, step):
        """In the page itself, where no other step comes in between."""
        self.page.evaluate(
            """([name, step]) => new Promise((pressed) => {
                const look = () => {
                    const said = document.querySelector(".training-said").innerText;
                    const done = /^Step ([\\d,]+)/.exec(said)?.[1].replaceAll(",", "");
                    if (!(Number(done) >= step)) return setTimeout(look, 5);
                    [...document.querySelectorAll("button")]
                        .find((button) => button.innerText.trim() === name).click();
                    pressed();
                };
                look();
            })""",
            [name, step],
        )

    def error(self):
        self.page.locator(".playground-error").wait_for()
        return self.page.locator(".playground-error p").inner_text()

    def wait_for_no_worker(self):
        end = time.monotonic() + 5
        while self.workers():
            assert time.monotonic() < end, "a worker is still there"
            self.page.wait_for_timeout(20)

    def workers(self):
        """How many run Python; the search of the site has one too."""
        return sum(worker.url.startswith("blob:") for worker in self.page.workers)


@pytest.fixture(scope="class")
def open_panel(server, browser):
    def open_panel(name, state=""):
        address = f"{server}/playground/{name}.html"
        seen = browser.open(f"{address}#{state}", "desktop", "light")
        seen.page.get_by_role("button", name=re.compile("^Start")).wait_for()
        return Panel(seen, address)

    return open_panel


@pytest.fixture(scope="class")
def moons_panel(open_panel):
    panel = open_panel("two-moons", "hidden=5&activation=relu&lr=0.2&seed=3")
    assert panel.workers() == 0  # a link runs nothing
    panel.start()
    return panel


@pytest.fixture(scope="class")
def gpt_panel(open_panel):
    panel = open_panel("gpt", f"steps={STEPS}&n_embd=8&n_head=2&seed=7&words=%3Cb%3E")
    assert panel.workers() == 0  # words that came in a link are shown, and nothing is run
    assert panel.field("Your words, one on a line").input_value() == "<b>"
    panel.field("Train on").select_option("the names of the example")
    panel.start()
    return panel


@pytest.fixture(scope="class")
def native_gpt():
    """What the same run tells here."""
    gpt.begin(steps=STEPS, n_embd=8, n_head=2, seed=7)
    return list(gpt.train())


class TestTwoMoons:
    @pytest.fixture
    def panel(self, moons_panel):
        return moons_panel

    @pytest.fixture
    def natively(self, panel):
        """The same training here, of as many steps as the page has made."""
        moons.begin(hidden=5, activation="relu", lr=0.2, seed=3)
        return moons

    def test_the_settings_are_those_of_the_address(self, panel, natively):
        assert panel.said == sentence(natively.seen(0), parameters=21)

    def test_200_steps_give_the_native_numbers(self, panel, natively):
        panel.press("Train")
        panel.wait_for_step(200)
        panel.press("Pause")
        panel.button("Train").wait_for()
        for _ in range(panel.step):
            natively.training.step()
        assert panel.said == sentence(natively.seen(0), parameters=21)

    def test_what_is_paused_stays_so_and_can_be_stepped(self, panel):
        before = panel.step
        time.sleep(0.5)
        assert panel.step == before
        panel.press("Step")
        panel.wait(f"Step {before + 1}:")

    def test_the_colours_are_those_of_the_scores(self, panel, natively):
        for _ in range(panel.step):
            natively.training.step()
        colours = panel.page.evaluate(COLOURS, [len(moons.XS), len(moons.YS)])
        scores = natively.training.scores()
        sure = [i for i, score in enumerate(scores) if abs(score) > 0.9]
        points = {near(point) for point, _ in natively.training.points}
        wrong = [i for i in sure if i not in points and (colours[i] == "blue") != (scores[i] > 0)]
        assert len(sure) > 1000
        assert len(wrong) < 20  # below the points, and along the line

    def test_the_learning_rate_is_changed_with_the_keyboard_and_at_once(self, panel, natively):
        panel.press("Reset")
        panel.wait("Step 0:")
        panel.field("Learning rate").press("ArrowRight")
        panel.press("Step")
        panel.wait("Step 1:")
        natively.set_learning_rate(0.5)
        assert panel.said == sentence(natively.step(), parameters=21)

    def test_other_neurons_begin_again_and_training_goes_on(self, panel):
        panel.press("Train")
        panel.wait_for_step(5)
        panel.field("Hidden neurons").press("Home")
        panel.wait("with 3 parameters")
        panel.wait_for_step(5)
        panel.press("Pause")
        panel.button("Train").wait_for()

    def test_a_link_has_the_settings(self, panel):
        panel.page.get_by_role("button", name="Copy link").click()
        assert panel.page.url.endswith("#lr=0.5&hidden=0&activation=relu&seed=3")

    def test_what_cannot_be_is_a_message_and_changes_nothing(self, panel):
        panel.field("Seed").fill("")
        panel.field("Seed").press("Tab")
        assert panel.error() == "ValueError: the seed must be a whole number, got nan"
        panel.press("Step")
        panel.field("Seed").fill("4")
        panel.field("Seed").press("Tab")
        panel.wait("Step 0:")
        assert not panel.page.locator(".playground-error").is_visible()

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_it_fits_on_a_phone_in_either_scheme(self, panel, scheme):
        fits_on_a_phone(panel, scheme)

    def test_stop_ends_at_once(self, panel):
        panel.press("Train")
        stops(panel)

    def test_nothing_went_wrong_on_the_way(self, panel):
        assert panel.complaints == []


class TestGPT:
    @pytest.fixture
    def panel(self, gpt_panel):
        return gpt_panel

    @pytest.fixture
    def natively(self, native_gpt):
        return native_gpt

    def test_pausing_and_going_on(self, panel):
        panel.press("Train")
        panel.press_at_step("Pause", 3)
        panel.button("Train").wait_for()
        before = panel.step
        time.sleep(0.5)
        assert panel.step == before < STEPS
        assert panel.field("Steps").is_disabled()  # they hold for the whole run

    def test_the_names_are_those_of_the_native_run(self, panel, natively):
        panel.press("Train")
        panel.page.locator("dd", has_text=last_of(natively)).wait_for()
        until(panel.page, f"document.querySelectorAll('dd')[0].children.length == {gpt.NAMES}")
        (after_50,) = [item["samples"] for item in natively if item.get("samples")]
        assert panel.page.locator("dt").all_inner_texts() == [
            "After the last step",
            "After 50 steps",
        ]
        assert panel.page.locator("dd").all_inner_texts() == [
            ", ".join(names(natively)),
            ", ".join(after_50),
        ]

    def test_so_is_the_loss(self, panel, natively):
        mean = [item["mean"] for item in natively if "mean" in item][-1]
        assert f"the mean loss of the last 50 is {mean:.4f}" in panel.said

    def test_a_text_begins_as_asked_and_its_attention_is_the_native_one(self, panel, natively):
        panel.field("Begin with").fill("char")
        panel.press("Write")
        panel.page.locator(".training-text", has_text="·char").wait_for()
        text = "".join(panel.page.locator(".training-text > *").all_text_contents())[1:]
        heads = gpt.read(text)["heads"]
        maps = panel.page.locator(".training-attention")
        assert maps.count() == 2
        for head, rows in enumerate(heads):
            shown = maps.nth(head).locator("td span").all_text_contents()
            assert shown == [
                f"{100 * share:.0f}\N{NO-BREAK SPACE}%" for row in rows for share in row
            ]

    def test_a_place_can_be_chosen_and_is_told_of_in_words(self, panel):
        second = panel.page.locator(".training-text button").nth(1)
        second.wait_for()  # the text is being written, a character at a time
        second.press("Enter")
        panel.page.get_by_text("At “c”, to find what comes next, head 0 looks most at").wait_for()

    def test_a_prompt_that_the_model_cannot_read_is_a_message(self, panel):
        panel.field("Begin with").fill("Ä")
        panel.press("Write")
        assert panel.error().startswith("ValueError: prompt 'Ä': 'Ä' not in the vocabulary")
        panel.field("Begin with").fill("")

    def test_words_of_ones_own_are_learnt(self, panel):
        panel.press("New run")
        until(panel.page, "document.querySelector('.training-said').textContent === ''")
        panel.field("Train on").select_option("words of your own")
        panel.field("Your words, one on a line").fill("")
        panel.press("Train")
        assert panel.error().startswith("ValueError: the list of words is empty")
        panel.field("Your words, one on a line").fill("<b>rot\n<b>blau\n")
        panel.press("Train")
        until(panel.page, f"document.querySelector('dd')?.children.length == {gpt.NAMES}", 60)
        written = panel.page.locator("dd").first.inner_text()
        assert set(written) <= set("<b>rotlau, ")
        assert "<b>" in written  # which is text, and no markup

    def test_a_size_that_cannot_be_is_a_message(self, panel):
        panel.press("New run")
        panel.field("Steps").fill("0")
        panel.press("Train")
        assert panel.error() == "ValueError: steps must be a whole number from 1 up, got 0"
        panel.field("Steps").fill("5000")

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_it_fits_on_a_phone_in_either_scheme(self, panel, scheme):
        fits_on_a_phone(panel, scheme)

    def test_stop_ends_at_once(self, panel):
        panel.press("Train")
        panel.wait_for_step(3)
        stops(panel)

    def test_nothing_went_wrong_on_the_way(self, panel):
        assert panel.complaints == []


def test_200_steps_of_the_gpt_give_the_native_losses_and_names(open_panel):
    panel = open_panel("gpt")
    told = panel.page.evaluate(RUN, [f"{panel.address}/../../assets/playground/session.js", 200])
    gpt.begin(steps=200)
    expected = list(gpt.train())
    # The logarithm of the browser's mathematics library may round the last of 16 digits otherwise.
    assert losses(told) == pytest.approx(losses(expected), rel=1e-12)
    assert names(told) == names(expected)


COLOURS = """([columns, rows]) => {
    const canvas = document.querySelector(".training-picture");
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    const seen = [];
    for (let row = rows - 1; row >= 0; row--)
        for (let column = 0; column < columns; column++) {
            const x = Math.floor(((column + 0.5) * width) / columns);
            const y = Math.floor(((row + 0.5) * height) / rows);
            const [red, , blue] = data.slice(4 * (y * width + x));
            seen.push(blue > red ? "blue" : "orange");
        }
    return seen;
}"""

# What the panel does, without its page, so that the losses are seen whole.
RUN = """async ([module, steps]) => {
    const { manifest, start } = await import(module);
    const session = start(await manifest());
    await session.starting;
    await session.call("gpt", "begin", { steps });
    const told = [];
    await session.call("gpt", "train", {}, { onItem: (item) => told.push(item) });
    session.stop();
    return told;
}"""


def sentence(seen, parameters):
    return (
        f"Step {seen['steps']}: the loss is {seen['loss']:.4f}, and {seen['right']} of 100 points "
        f"are told apart, with {parameters} parameters."
    )


def near(point):
    """The place of the grid that is next to a point."""
    column, row = (round((x - xs[0]) / 0.08) for x, xs in zip(point, (moons.XS, moons.YS)))
    return row * len(moons.XS) + column


def losses(told):
    return [loss for item in told for loss in item.get("losses", [])]


def names(told):
    return [item["name"] for item in told if "name" in item]


def last_of(told):
    return names(told)[-1]


def stops(panel):
    panel.button("Stop").click()
    panel.wait_for_no_worker()
    assert panel.button("Train").is_disabled()
    before = panel.said
    time.sleep(0.3)
    assert panel.said == before


def fits_on_a_phone(panel, scheme):
    page = panel.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme=scheme)
    until(page, f"getComputedStyle(document.body).colorScheme == '{scheme}'")
    until(page, "document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
