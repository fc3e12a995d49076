"""What the playground's training panels compute, in the browser's Python and here.

Expected values come from the programs that the panels show: the tutorial's and the command line's.
"""

import importlib
import itertools
import math
import random
import sys
from pathlib import Path

import microgpt_support
import pytest

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / "docs" / "assets" / "playground" / "python"


def panel(monkeypatch, name, *example):
    """A panel's module, imported afresh, with the example's files where it finds them."""
    for folder in (ROOT.joinpath("examples", *example), PYTHON):
        monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module(name)
    monkeypatch.delitem(sys.modules, name)
    return module


class TestTwoMoons:
    @pytest.fixture
    def moons(self, monkeypatch):
        return panel(monkeypatch, "moons")

    @pytest.fixture
    def tutorial(self, moons):
        return importlib.import_module("two_moons")

    def test_the_losses_are_those_of_the_tutorial(self, moons, tutorial):
        rng = random.Random(1)
        points, network = tutorial.two_moons(50, rng), tutorial.new_network([2, 8, 1], rng)
        expected = tutorial.train(network, points, steps=40)
        losses = moons.begin()["losses"]
        for _ in range(39):
            losses += moons.step()["losses"]
        assert losses == expected

    def test_after_each_step_the_numbers_are_those_of_the_same_weights(self, moons, tutorial):
        moons.begin()
        for _ in range(30):
            seen = moons.step()
        network, points = moons.training.network, moons.training.points
        assert seen["steps"] == 30
        assert seen["loss"] == tutorial.mean_loss(network, points).data
        assert seen["right"] == 100 * tutorial.accuracy(network, points)
        assert list(seen["scores"]) == [
            tutorial.score(network, (x, y)).data for y in moons.YS for x in moons.XS
        ]

    @pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "none"])
    @pytest.mark.parametrize("hidden", [0, 1, 5])
    def test_the_picture_is_of_the_network_that_is_trained(self, moons, activation, hidden):
        begun = moons.begin(hidden, activation, lr=0.1, seed=3)
        scores = [moons.training.score((x, y)).data for y in begun["ys"] for x in begun["xs"]]
        assert list(begun["scores"]) == scores

    @pytest.mark.parametrize(("hidden", "parameters"), [(0, 3), (1, 5), (8, 33)])
    def test_parameters_are_counted(self, moons, hidden, parameters):
        assert moons.begin(hidden)["parameters"] == parameters

    def test_training_goes_on_until_it_is_paused_and_can_be_continued(self, moons):
        moons.begin()
        losses, seen = [moons.training.loss.data], moons.train()
        losses += next(seen)["losses"]
        moons.pause()
        losses += [loss for item in seen for loss in item["losses"]]
        losses += moons.step()["losses"]
        losses += next(moons.train())["losses"]
        assert losses == moons.training.losses

    def test_the_learning_rate_can_be_changed_meanwhile(self, moons):
        moons.begin()
        seen = moons.train()
        next(seen)
        before = moons.training.loss.data
        moons.set_learning_rate(0.0)
        assert set(next(seen)["losses"]) == {before}

    def test_a_learning_rate_that_is_none_changes_nothing(self, moons):
        moons.begin(lr=0.25)
        with pytest.raises((TypeError, ValueError), match="lr"):
            moons.set_learning_rate(-1.0)
        assert moons.training.optimizer.lr == 0.25

    @pytest.mark.parametrize("settings", [{"seed": 0.5}, {"lr": -1.0}, {"activation": "cube"}])
    def test_settings_that_cannot_be_followed_leave_the_training_as_it_is(self, moons, settings):
        moons.begin()
        before, seen = moons.training, moons.train()
        next(seen)
        with pytest.raises((ValueError, KeyError)):
            moons.begin(**settings)
        assert moons.training is before
        assert next(seen)["losses"]

    @pytest.mark.parametrize("change", ["begin", "train"])
    def test_only_the_latest_training_goes_on(self, moons, change):
        moons.begin()
        earlier = moons.train()
        next(earlier)
        later = getattr(moons, change)()
        if change == "train":
            next(later)
        assert list(earlier) == []

    # What the page says will be seen.

    def trained(self, moons, steps=200, **settings):
        moons.begin(**settings)
        for _ in range(steps):
            moons.training.step()
        return moons.training

    def test_a_single_neuron_gets_no_further_than_a_straight_line(self, moons):
        for activation in moons.ACTIVATIONS:
            alone = self.trained(moons, hidden=0, activation=activation)
            assert (alone.right, round(alone.loss.data, 2)) == (89, 0.32)

    def test_two_hidden_neurons_are_not_enough_and_three_are(self, moons):
        assert self.trained(moons, steps=400, hidden=1).right < 100
        assert self.trained(moons, steps=400, hidden=2).right < 100
        assert self.trained(moons, steps=400, hidden=3).right == 100

    def test_eight_need_fifty_steps(self, moons):
        assert self.trained(moons, steps=50).right == 100

    def test_without_an_activation_eight_get_no_further_than_one(self, moons):
        bendless = self.trained(moons, activation="none")
        assert 86 <= bendless.right <= 91
        assert bendless.loss.data > 0.3

    def test_relu_bends_enough(self, moons):
        assert self.trained(moons, activation="relu").right == 100

    @pytest.mark.parametrize(
        ("hidden", "lr", "rises", "after"), [(8, 0.01, 0, 2.7), (8, 0.5, 0, 0.01), (3, 5, 80, 0.4)]
    )
    def test_too_slow_and_too_fast(self, moons, hidden, lr, rises, after):
        losses = self.trained(moons, hidden=hidden, lr=lr).losses
        assert sum(b > a for a, b in itertools.pairwise(losses)) == rises
        assert round(losses[-1], 1 if after > 0.1 else 2) == after


class TestGPT:
    @pytest.fixture
    def gpt(self, monkeypatch):
        return panel(monkeypatch, "gpt", "microgpt")

    def test_the_losses_and_names_are_those_of_the_command_line(self, gpt):
        options = ("--steps", "120", "--n-embd", "8", "--seed", "7")
        expected = microgpt_support.finished_run(microgpt_support.engines()[-1], *options)
        begun = gpt.begin(steps=120, n_embd=8, seed=7)
        seen = list(gpt.train())
        losses = [loss for item in seen for loss in item.get("losses", [])]
        assert dict(enumerate(losses, start=1)) == expected.losses
        assert [item["name"] for item in seen if "name" in item] == expected.result.samples
        assert f"{begun['parameters']:,} parameters" in expected.result.err
        assert f"{begun['documents']:,} documents" in expected.result.err

    def test_looking_does_not_change_the_run(self, gpt):
        def losses_and_names(look):
            gpt.begin(steps=60, n_embd=8)
            seen = []
            for item in gpt.train():
                seen += item.get("losses", [item.get("name")])
                look()
            return seen

        assert losses_and_names(gpt.write) == losses_and_names(lambda: None)

    def test_a_run_that_is_paused_goes_on_as_if_it_had_not_been(self, gpt, monkeypatch):
        monkeypatch.setattr(gpt, "SECONDS", 0.0)  # so that each step is told
        gpt.begin(steps=20, n_embd=8)
        whole = [item["losses"] for item in gpt.train() if "losses" in item]
        gpt.begin(steps=20, n_embd=8)
        parts = [item["losses"] for item in itertools.islice(gpt.train(), 7)]
        gpt.pause()
        parts += [item["losses"] for item in gpt.train() if "losses" in item]
        assert parts == whole

    @pytest.mark.parametrize("change", ["pause", "begin", "train"])
    def test_only_the_latest_training_goes_on(self, gpt, monkeypatch, change):
        monkeypatch.setattr(gpt, "SECONDS", 0.0)
        gpt.begin(steps=20, n_embd=8)
        earlier = gpt.train()
        next(earlier)
        later = getattr(gpt, change)()
        if change == "train":
            next(later)
        assert list(earlier) == []

    def test_a_new_run_ends_the_names_of_the_last(self, gpt):
        gpt.begin(steps=1, n_embd=8)
        earlier = gpt.train()
        assert "name" in [*itertools.islice(earlier, 3)][-1]
        gpt.begin(steps=1, n_embd=8)
        assert list(earlier) == []

    def test_there_are_samples_every_fifty_steps_but_for_the_last(self, gpt):
        gpt.begin(steps=150, n_embd=8)
        seen = [item for item in gpt.train() if "step" in item]
        assert [item["step"] for item in seen if item["samples"]] == [50, 100]
        assert {len(item["samples"]) for item in seen} == {0, gpt.SAMPLES}

    def test_speed_and_the_time_left_are_by_the_clock(self, gpt, monkeypatch):
        seconds = itertools.count()
        gpt.begin(steps=10, n_embd=8)
        monkeypatch.setattr(gpt, "SECONDS", 0.0)
        # Every look at the clock takes a second.
        monkeypatch.setattr(gpt.time, "perf_counter", lambda: float(next(seconds)))
        first = next(gpt.train())
        took = next(seconds) - 1
        assert first["speed"] == pytest.approx(1 / took)
        assert first["seconds_left"] == pytest.approx(9 * took)

    def test_words_of_ones_own_are_trained_on(self, gpt):
        begun = gpt.begin("rot\n  blau \r\n\ngrün\n", steps=60, n_embd=8)
        assert begun["documents"] == 3
        assert begun["characters"] == "abglnortuü"
        names = [item["name"] for item in gpt.train() if "name" in item]
        assert len(names) == gpt.NAMES
        assert set("".join(names)) <= set(begun["characters"])

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"words": " \n\n"}, "the list of words is empty; write some"),
            ({"n_embd": 10}, "n_embd must be a multiple of n_head"),
            ({"steps": 0}, "steps must be a whole number from 1 up, got 0"),
            ({"seed": 1.5}, "seed must be a whole number"),
        ],
    )
    def test_settings_that_cannot_be_followed_leave_the_run_as_it_is(self, gpt, settings, message):
        gpt.begin(steps=20, n_embd=8)
        before = gpt.current
        with pytest.raises(ValueError, match=message):
            gpt.begin(**settings)
        assert gpt.current is before

    def test_texts_begin_with_the_prompt(self, gpt):
        gpt.begin(steps=50, n_embd=8)
        gpt.set_sampling(temperature=1.0, prompt="em")
        names = [item["name"] for item in gpt.train() if "name" in item]
        texts = [*names, gpt.write()["text"]]
        assert all(text.startswith("em") for text in texts)
        assert len(set(texts)) > 1

    def test_at_temperature_0_a_text_is_always_the_same(self, gpt):
        gpt.begin(steps=1, n_embd=8)
        gpt.set_sampling(temperature=0, prompt="")
        assert len({gpt.write()["text"] for _ in range(5)}) == 1

    @pytest.mark.parametrize(
        ("temperature", "prompt", "message"),
        [
            (0.5, "Zoë", "^prompt 'Zoë': 'Z', 'ë' not in the vocabulary"),
            (0.5, "e" * 16, "^prompt .*too long"),
            (-1, "", "the temperature must be a number from 0 up, got -1"),
            (float("nan"), "", "the temperature must be a number from 0 up, got nan"),
        ],
    )
    def test_a_sampling_that_cannot_be_is_refused(self, gpt, temperature, prompt, message):
        gpt.begin(steps=1, n_embd=8)
        gpt.set_sampling(0.7, "an")
        with pytest.raises(ValueError, match=message):
            gpt.set_sampling(temperature, prompt)
        assert gpt.write()["text"].startswith("an")

    def test_a_new_run_forgets_the_prompt_of_the_last_since_it_may_not_know_its_letters(self, gpt):
        gpt.begin(n_embd=8)
        gpt.set_sampling(0.5, "em")
        gpt.begin("ba\nab\n", n_embd=8)
        assert set(gpt.write()["text"]) <= set("ab")

    @pytest.mark.parametrize("n_head", [1, 4])
    def test_each_head_shares_its_attention_among_the_places_so_far(self, gpt, n_head):
        gpt.begin(steps=1, n_embd=8, n_head=n_head)
        gpt.set_sampling(1.0, "anna")
        written = gpt.write()
        places = min(1 + len(written["text"]), 16)  # the beginning, and one for each character
        assert len(written["heads"]) == n_head
        for rows in written["heads"]:
            assert [len(row) for row in rows] == list(range(1, places + 1))
            assert [sum(row) for row in rows] == pytest.approx([1.0] * places)

    def test_a_text_as_long_as_the_context_can_be_looked_at(self, gpt):
        gpt.begin("aaaaaaaaaaaaaaaaaaaaaaaa\n" * 3, steps=60, n_embd=8)
        for _ in gpt.train():
            pass
        written = gpt.write()
        assert len(written["text"]) == 16
        assert [len(rows) for rows in written["heads"]] == [16] * 4

    # What the page says will be seen.

    def test_the_days_of_the_week_are_learnt_as_well_as_they_can_be(self, gpt):
        days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        gpt.begin("\n".join(days), steps=300)
        seen = list(gpt.train())
        # Which day it is, nobody can know; every other character of a day could be certain.
        least = sum(math.log(7) / (len(day) + 1) for day in days) / 7
        assert round(least, 2) == 0.24
        mean = [item["mean"] for item in seen if "mean" in item][-1]
        assert least < mean < 0.26
        assert {item["name"] for item in seen if "name" in item} <= set(days)

    def test_heads_that_have_learnt_nothing_look_everywhere_alike(self, gpt):
        def most(text):
            heads = gpt.read(text)["heads"]
            return max(share * len(row) for rows in heads for row in rows for share in row)

        gpt.begin()
        assert most("charlotte") < 1.4
        for _ in gpt.train():
            pass
        assert most("charlotte") > 4

    def test_of_a_long_word_the_first_16_characters_are_read(self, gpt):
        def losses(words):
            gpt.begin(words, steps=3, n_embd=8)
            return [loss for item in gpt.train() for loss in item.get("losses", [])]

        alike = "abcdefghijklmnop"
        assert losses(f"{alike}abc\n{alike}cba") == losses(f"{alike}cab\n{alike}bac")
        assert losses(f"{alike[1:]}abc") != losses(f"{alike[1:]}cab")
