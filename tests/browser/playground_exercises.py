"""The exercises in the page: a student's day, in a browser that has nothing installed.

What the tests of the exercises show is compared with what pytest shows in the terminal.
"""

import re
from pathlib import Path

import pytest
from waiting import until

ROOT = Path(__file__).parents[2]
SOLUTIONS = ROOT / "tests" / "exercise_solutions"
NAMES = [path.stem for path in sorted(SOLUTIONS.glob("ex*.py"))]
READY = "button:has-text('Run the tests'):enabled"
SECONDS = 60


def text_of(folder, name):
    return (folder / f"{name}.py").read_text(encoding="utf-8")


def solution(name):
    return text_of(SOLUTIONS, name)


def stub(name):
    return text_of(ROOT / "exercises", name)


class Exercises:
    """The page, as a student handles it."""

    def __init__(self, page):
        self.page = page

    def start(self):
        self.page.get_by_role("button", name="Start").click()
        self.page.locator(READY).wait_for(timeout=1000 * SECONDS)

    def stop(self):
        self.page.get_by_role("button", name="Stop").click()

    def choose(self, name):
        self.page.locator(".playground-exercises button").nth(NAMES.index(name)).click()

    def type(self, text):
        self.page.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def text(self):
        """That of the file, which the page may show only in part."""
        with self.page.expect_download() as download:
            self.page.get_by_role("button", name="Download").click()
        return Path(download.value.path()).read_text(encoding="utf-8")

    def test(self):
        """Whether each test passed, by name."""
        self.page.get_by_role("button", name="Run the tests").click()
        self.page.locator(READY).wait_for(timeout=1000 * SECONDS)
        items = self.page.locator(".playground-tests > li")
        names = items.locator("summary, :scope:not(:has(summary))").all_inner_texts()
        return {name[2:]: name[0] == "✓" for name in names}

    def says(self):
        return self.page.locator(".playground-said").inner_text()

    def shown(self, name):
        """What is shown of a test that failed."""
        item = self.page.locator(".playground-tests li", has_text=name)
        if not item.locator("details[open]").count():
            item.locator("summary").click()
        return item.locator("pre").inner_text()

    def marks(self):
        spans = self.page.locator(".playground-exercises button span")
        return [text.strip() for text in spans.all_inner_texts()]

    def forget(self):
        self.page.evaluate("localStorage.clear()")


def opened(server, browser):
    seen = browser.open(f"{server}/playground/exercises.html", "desktop", "light")
    exercises = Exercises(seen.page)
    yield exercises
    exercises.forget()
    # A worker that ends while it is being loaded counts as failed; nothing else may.
    assert [text for text in seen.complaints if not text.startswith("failed: blob:")] == []


exercises = pytest.fixture(opened)  # without Python
page_with_python = pytest.fixture(opened, scope="class")


class TestWithPython:
    """Started once; each test begins with the first exercise, as it was handed out."""

    @pytest.fixture
    def exercises(self, page_with_python):
        page_with_python.page.get_by_role("button", name=re.compile("^(Start|Stop)")).wait_for()
        if page_with_python.page.get_by_role("button", name="Start").count():
            page_with_python.start()
        page_with_python.forget()
        page_with_python.choose("ex1_value")
        return page_with_python

    def test_each_fails_as_handed_out_and_passes_once_solved(self, exercises):
        for number, name in enumerate(NAMES, start=1):
            exercises.choose(name)
            handed_out = exercises.test()
            assert len(handed_out) >= 6
            assert not any(handed_out.values())
            gaps = re.findall(r"raise NotImplementedError\((.*)\)", stub(name))
            assert any(gap.strip('"') in exercises.shown(next(iter(handed_out))) for gap in gaps)
            exercises.type(solution(name))
            solved = exercises.test()
            assert solved == dict.fromkeys(handed_out, True)
            assert exercises.says() == f"Solved: all {len(solved)} tests pass."
            assert exercises.marks() == ["✓ solved"] * number + [""] * (len(NAMES) - number)

    def test_a_wrong_gradient_is_explained_as_in_the_terminal(self, exercises):
        exercises.type(solution("ex1_value").replace("self.grad += grad", "self.grad = grad"))
        assert exercises.test() == {
            "test_a_sum": True,
            "test_a_product": True,
            "test_a_result_remembers_what_it_was_made_from": True,
            "test_along_a_path_derivatives_multiply": True,
            "test_over_paths_they_add_up": False,
            "test_over_paths_through_a_shared_result_they_add_up_too": False,
            "test_backward_does_not_compute_with_changed_numbers": True,
            "test_gradcheck_agrees": False,
        }
        assert exercises.says() == "5 of 8 tests pass. Begin with the first that fails."
        assert exercises.marks()[0] == "5 of 8"
        shown = exercises.shown("test_gradcheck_agrees")
        assert (
            "E       cause: a gradient is overwritten: use `grad += ...`, not `grad = ...`" in shown
        )
        assert "checking/" not in shown

    def test_an_endless_loop_is_stopped_and_the_text_is_kept(self, exercises):
        endless = solution("ex1_value").replace("self.grad += grad", "while True: pass")
        exercises.type(endless)
        exercises.page.get_by_role("button", name="Run the tests").click()
        until(exercises.page, "document.querySelector('.playground-said').textContent")
        exercises.stop()
        assert exercises.says() == "Python was stopped. Your text is still here."
        assert exercises.text() == endless
        exercises.start()
        exercises.type(solution("ex1_value"))
        assert all(exercises.test().values())

    def test_what_is_no_python_is_told_with_its_line(self, exercises):
        exercises.type("class Value:\n    def __add__(self, other)\n        return 1\n")
        assert exercises.test() == {}
        problem = exercises.page.locator(".playground-error")
        assert problem.inner_text().startswith("SyntaxError (line 2): expected ':'")
        exercises.type("import nothing\n")
        assert exercises.test() == {"exercises/test_ex1_value.py": False}
        assert "No module named 'nothing'" in exercises.shown("test_ex1_value.py")

    def test_a_line_is_run_after_the_file(self, exercises):
        exercises.type(solution("ex1_value"))
        line = exercises.page.get_by_label("A line after your file")
        answer = exercises.page.get_by_label("What Python answered")
        for typed, expected in [
            ("(Value(2.0) * Value(3.0)).data", "6.0"),
            ("'<b>' + 'bold'", "'<b>bold'"),
        ]:
            line.fill(typed)
            line.press("Enter")
            exercises.page.locator(READY).wait_for()
            assert answer.text_content() == expected
        line.fill("Value(2.0) / 0")
        line.press("Enter")
        problem = exercises.page.locator(".playground-error")
        problem.wait_for()
        assert problem.inner_text().startswith("TypeError (line ")


class TestWithoutStarting:
    """Text can be written, kept, loaded and handed in before Python is there."""

    def test_the_text_of_each_exercise_is_kept(self, exercises):
        exercises.type("first = 1\n")
        exercises.choose("ex2_order")
        assert exercises.text() == stub("ex2_order")
        exercises.type("second = 2\n")
        exercises.page.reload()
        assert exercises.text() == "second = 2\n"
        exercises.choose("ex1_value")
        assert exercises.text() == "first = 1\n"

    def test_undoing_brings_back_no_other_exercise(self, exercises):
        exercises.type("first = 1\n")
        exercises.choose("ex2_order")
        exercises.page.locator(".cm-content").click()
        exercises.page.keyboard.press("Control+z")
        assert exercises.text() == stub("ex2_order")

    def test_the_download_has_the_name_of_the_exercise(self, exercises):
        exercises.choose("ex3_functions")
        with exercises.page.expect_download() as download:
            exercises.page.get_by_role("button", name="Download").click()
        assert download.value.suggested_filename == "ex3_functions.py"

    def test_a_file_of_another_day_is_loaded_where_it_belongs(self, exercises):
        exercises.page.locator("input[type=file]").set_input_files(SOLUTIONS / "ex5_optimizers.py")
        until(exercises.page, "location.hash === '#exercise=ex5_optimizers'")
        assert exercises.text() == solution("ex5_optimizers")
        exercises.page.reload()
        assert exercises.text() == solution("ex5_optimizers")

    def test_beginning_again_asks_first(self, exercises):
        exercises.type("first = 1\n")
        again = exercises.page.get_by_role("button", name="Begin again")
        exercises.page.once("dialog", lambda dialog: dialog.dismiss())
        again.click()
        assert exercises.text() == "first = 1\n"
        exercises.page.once("dialog", lambda dialog: dialog.accept())
        again.click()
        assert exercises.text() == stub("ex1_value")

    def test_a_link_opens_an_exercise(self, server, browser):
        address = f"{server}/playground/exercises.html#exercise=ex6_attention"
        exercises = Exercises(browser.open(address, "phone", "dark").page)
        assert exercises.text() == stub("ex6_attention")

    def test_everything_is_reached_by_keyboard(self, exercises):
        exercises.page.locator(".playground-exercises button").first.focus()
        reached = []
        for key in ["Tab"] * 6 + ["Escape", "Tab"] + ["Tab"] * 4:
            exercises.page.keyboard.press(key)
            reached.append(exercises.page.evaluate("document.activeElement.textContent"))
        assert reached[-5:-2] == ["Download", "Load a file", "Begin again"]
        assert reached[-2].startswith("Start (")
