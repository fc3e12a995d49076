"""Pictures and ledgers: what they show, and that showing changes nothing."""

import math
import os
import re
import subprocess
import sys
import textwrap
import time
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

SVG = "{http://www.w3.org/2000/svg}"
PICTURES = ("to_dot", "to_mermaid", "to_svg")
every_picture = pytest.mark.parametrize("picture", PICTURES)
every_function = pytest.mark.parametrize("function", [*PICTURES, "explain"])


def text(block):
    return textwrap.dedent(block).strip("\n")


def parabola(sg):
    """x**2 + 2x at 3, whose derivative there is 2 * 3 + 2 = 8."""
    x = sg.Value(3.0, label="x")
    return x, x * x + 2.0 * x


def classifier(sg):
    """The loss of a layer with two inputs and three outputs; nine rows of numbers in all."""
    x = [sg.Value(1.0, label="x1"), sg.Value(2.0, label="x2")]
    w = [sg.nn.vector([0.5, -0.5]), sg.nn.vector([1.0, 0.0]), sg.nn.vector([0.25, 0.25])]
    loss = -sg.nn.softmax(sg.nn.linear(x, w))[1].log()
    loss.label = "loss"
    return loss


def titles(mermaid):
    """The first line in each box."""
    return re.findall(r'^  n\d+[(\[]"(.*?)<br>', mermaid, re.MULTILINE)


def without_colours(dot):
    """Text for Graphviz with nothing but what is said in it."""
    lines = [line for line in dot.splitlines() if not line.startswith(("  node ", "  edge "))]
    plain = "\n".join(lines).replace("<br/>", "|")
    plain = re.sub("</?(b|font)( [^>]*)?>", "", plain)
    return re.sub(r"\[label=<(.*?)>(, style=\"rounded.*)?\]", unboxed, plain)


def unboxed(box):
    return box[1] + (" (leaf)" if box[2] else "")


def texts(svg):
    """The lines of text on a picture, those of a box one after the other."""
    root = ElementTree.fromstring(svg)
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def ledger(explained):
    """The lines of a ledger as (node, upstream, local, contribution, parent, grad)."""
    lines = []
    node = ""
    for line in explained.splitlines()[1:]:
        left, right = line.split("->")
        product, contribution = left.split("=")
        *names, upstream, local = product.replace(" *  ", " ").rsplit(None, 2)
        node = names[0].split()[0] if names else node
        parent, grad = right.split()
        numbers = (float(x) for x in (upstream, local, contribution, grad))
        upstream, local, contribution, grad = numbers
        lines.append((node, upstream, local, contribution, parent, grad))
    return lines


class TestPictures:
    def test_dot_has_a_box_per_number_and_an_arrow_per_local_derivative(self, sg):
        _, y = parabola(sg)
        y.backward()
        assert without_colours(sg.graph.to_dot(y)) == text("""
            digraph {
              rankdir=LR
              n1 x|data 3|grad 8 (leaf)
              n2 v1 (*)|data 9|grad 1
              n3 v2|data 2|grad 3 (leaf)
              n4 v3 (*)|data 6|grad 1
              n5 v4 (+)|data 15|grad 1
              n1 -> n2
              n1 -> n2
              n3 -> n4
              n1 -> n4
              n2 -> n5
              n4 -> n5
            }
        """)

    def test_mermaid_has_the_same_boxes_and_arrows(self, sg):
        _, y = parabola(sg)
        y.backward()
        assert sg.graph.to_mermaid(y) == text("""
            %%{init: {"flowchart": {"wrappingWidth": 400}}}%%
            flowchart LR
              n1("x<br>data 3<br>grad 8"):::leaf
              n2["v1 (#42;)<br>data 9<br>grad 1"]
              n3("v2<br>data 2<br>grad 3"):::leaf
              n4["v3 (#42;)<br>data 6<br>grad 1"]
              n5["v4 (+)<br>data 15<br>grad 1"]
              n1 --> n2
              n1 --> n2
              n3 --> n4
              n1 --> n4
              n2 --> n5
              n4 --> n5
              classDef leaf stroke:#3a9a5f,stroke-width:2px
        """)

    def test_svg_has_the_same_boxes_and_arrows(self, sg):
        _, y = parabola(sg)
        y.backward()
        root = ElementTree.fromstring(sg.graph.to_svg(y))
        assert texts(sg.graph.to_svg(y)) == [
            *("x", "data 3", "grad 8"),
            *("v1 (*)", "data 9", "grad 1"),
            *("v2", "data 2", "grad 3"),
            *("v3 (*)", "data 6", "grad 1"),
            *("v4 (+)", "data 15", "grad 1"),
        ]
        kinds = [rect.get("class") for rect in root.iter(f"{SVG}rect")]
        assert kinds == ["sg-leaf", "sg-made", "sg-leaf", "sg-made", "sg-made"]
        assert len([*root.iter(f"{SVG}path")]) == 2 * 6  # a line and a head for each arrow
        assert root.find(f"{SVG}title").text == "The graph of v4: boxes: 5, arrows: 6"

    def test_a_leaf_alone_is_one_box(self, sg):
        assert titles(sg.graph.to_mermaid(sg.Value(1.0))) == ["v1"]

    def test_numbers_are_shown_to_four_digits(self, sg):
        x = sg.Value(math.pi)
        x.grad = -math.inf
        assert "v1<br>data 3.142<br>grad -inf" in sg.graph.to_mermaid(x)

    def test_what_was_computed_without_a_graph_is_a_leaf(self, sg):
        with sg.no_grad():
            _, y = parabola(sg)
        assert titles(sg.graph.to_mermaid(y)) == ["v1"]

    def test_an_operation_of_ones_own_is_shown_by_its_name(self, sg):
        y = sg.Value(0.5, (sg.Value(2.0),), (-0.25,), op="1/x")
        assert titles(sg.graph.to_mermaid(y)) == ["v1", "v2 (1/x)"]


class TestLocalDerivatives:
    """On the arrows, on request."""

    @pytest.fixture
    def y(self, sg):
        x, y = sg.Value(3.0, label="x"), sg.Value(4.0, label="y")
        return (x * y + y).exp()

    def test_mermaid(self, sg, y):
        arrows = [x for x in sg.graph.to_mermaid(y, local_grads=True).splitlines() if "-->" in x]
        slope = f"{math.exp(16.0):.4g}"
        assert arrows == [
            *("  n1 -->|4| n3", "  n2 -->|3| n3", "  n3 -->|1| n4", "  n2 -->|1| n4"),
            f"  n4 -->|{slope}| n5",
        ]

    def test_dot(self, sg, y):
        dot = sg.graph.to_dot(y, local_grads=True)
        assert re.findall(r'-> n\d \[label="(.*)"\]', dot) == ["4", "3", "1", "1", "8.886e+06"]

    def test_svg(self, sg, y):
        labels = texts(sg.graph.to_svg(y, local_grads=True))[:5]
        assert labels == ["4", "3", "1", "1", "8.886e+06"]
        assert labels[0] not in texts(sg.graph.to_svg(y))

    def test_two_arrows_between_the_same_boxes_have_one_each(self, sg):
        x = sg.Value(1.0)
        y = sg.Value(5.0, (x, x), (2.0, 3.0))
        assert texts(sg.graph.to_svg(y, local_grads=True))[:2] == ["2", "3"]

    def test_an_arrow_between_rows_has_the_least_and_the_largest(self, sg):
        a = sg.nn.vector([3.0, -1.0, 2.0])
        drawn = sg.graph.to_mermaid((a * [1.0, 1.0, 5.0]).sum(), local_grads=True)
        assert "n1 -->|1 to 5| n3" in drawn
        assert "n2 -->|-1 to 3| n3" in drawn
        assert "n3 -->|1| n4" in drawn

    def test_nan_among_them_is_not_hidden(self, sg):
        row = sg.Vector([sg.Value(1.0), sg.Value(2.0)])
        y = sg.Value(0.0, tuple(row), (math.nan, 1.0)) + sg.Value(0.0, tuple(row), (1.0, math.nan))
        drawn = sg.graph.to_mermaid(y, local_grads=True)
        assert drawn.count("|nan|") == 2
        a = sg.nn.vector([-8.0, 1.0])
        assert "|nan|" in sg.graph.to_mermaid(
            (a ** sg.nn.vector([2.0, 1.0])).sum(), local_grads=True
        )


class TestPicturesOfRows:
    """A row that one has in hand, not a Value made from it."""

    @every_picture
    def test_are_those_of_all_its_numbers(self, sg, picture):
        a = sg.nn.vector([1.0, 2.0])
        a.label = "a"
        drawn = getattr(sg.graph, picture)(a * 3.0)
        assert "a[1]" in drawn
        assert "v2[0]" in drawn
        assert "v2[1]" in drawn

    def test_its_values_may_have_come_from_anywhere(self, sg):
        x = sg.Value(2.0, label="x")
        drawn = sg.graph.to_mermaid(sg.Vector([x, x.exp(), x]))
        assert titles(drawn) == ["x", "v1 (exp)"]

    def test_part_of_a_row_is_the_part(self, sg):
        a = sg.nn.vector([1.0, 2.0, 3.0])
        assert "v1[0]" not in sg.graph.to_mermaid(a[1:])

    @every_picture
    def test_an_empty_row_is_an_empty_picture(self, sg, picture):
        assert "grad 0" not in getattr(sg.graph, picture)(sg.Vector([]))


class TestRowsInPictures:
    def test_a_fused_result_is_one_box_with_one_arrow_from_each_row(self, sg):
        x = sg.nn.vector([1.0, 2.0])
        y = sg.nn.linear(x, [sg.nn.vector([0.5, -0.5]), sg.nn.vector([1.0, 0.0])])
        assert sg.graph.to_mermaid(y[0] + y[1]) == text("""
            %%{init: {"flowchart": {"wrappingWidth": 400}}}%%
            flowchart LR
              n1("row<br>v1[0]: data 1, grad 0<br>v1[1]: data 2, grad 0"):::leaf
              n2("row<br>v2[0]: data 0.5, grad 0<br>v2[1]: data -0.5, grad 0"):::leaf
              n3("row<br>v3[0]: data 1, grad 0<br>v3[1]: data 0, grad 0"):::leaf
              n4["linear<br>v4[0]: data -0.5, grad 0<br>v4[1]: data 1, grad 0"]
              n5["v5 (+)<br>data 0.5<br>grad 0"]
              n1 --> n4
              n2 --> n4
              n3 --> n4
              n4 --> n5
              classDef leaf stroke:#3a9a5f,stroke-width:2px
        """)

    def test_on_request_each_number_is_a_box(self, sg):
        x = sg.nn.vector([1.0, 2.0])
        y = sg.nn.linear(x, [sg.nn.vector([0.5, -0.5]), sg.nn.vector([1.0, 0.0])])
        drawn = sg.graph.to_mermaid(y[0] + y[1], fused=False)
        assert titles(drawn) == [
            *("v1[0]", "v1[1]", "v2[0]", "v2[1]", "v3[0]", "v3[1]"),
            *("v4[0] (linear)", "v4[1] (linear)", "v5 (+)"),
        ]
        assert drawn.count("-->") == 4 + 4 + 2

    def test_two_results_of_the_same_numbers_are_two_boxes(self, sg):
        x = sg.nn.vector([1.0, 2.0])
        query, key = (sg.nn.linear(x, [x, x]) for _ in range(2))
        drawn = sg.graph.to_mermaid(sg.nn.dot(query, key))
        assert titles(drawn) == ["row", "linear", "linear", "v4 (dot)"]

    def test_only_the_numbers_that_matter_are_in_a_box(self, sg):
        x = sg.nn.vector([1.0, 2.0, 3.0])
        drawn = sg.graph.to_mermaid(x[2] * x[0])
        assert "v1[0]: data 1, grad 0<br>v1[2]: data 3, grad 0" in drawn
        assert "v1[1]" not in drawn

    def test_a_single_number_of_a_row_tells_which_it_is(self, sg):
        assert titles(sg.graph.to_mermaid(sg.nn.softmax([1.0, 2.0])[1]))[-1] == "v2[1] (softmax)"

    def test_a_row_of_one_number_is_a_number(self, sg):
        y = sg.nn.linear([sg.Value(2.0, label="x")], [[sg.Value(3.0, label="w")]])[0]
        assert titles(sg.graph.to_mermaid(y)) == ["x", "w", "v1 (linear)"]

    def test_a_long_row_is_cut_short_in_the_middle(self, sg):
        row = sg.nn.vector(range(9))
        drawn = sg.graph.to_mermaid(sg.nn.dot(row, row))
        assert "v1[3]: data 3, grad 0<br>... 2 more ...<br>v1[6]: data 6, grad 0" in drawn

    def test_a_row_of_eight_is_shown_whole(self, sg):
        row = sg.nn.vector(range(8))
        assert "more" not in sg.graph.to_mermaid(sg.nn.dot(row, row))

    def test_numbers_in_a_row_are_named_by_their_labels(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        row[1].label = "bias"
        drawn = sg.graph.to_mermaid(row[0] * row[1])
        assert "row<br>v1[0]: data 1, grad 0<br>bias: data 2, grad 0" in drawn


class TestRowOperationsInPictures:
    def test_a_row_that_was_computed_is_one_box_with_one_arrow_from_each_operand(self, sg):
        a, b = sg.nn.vector([1.0, 2.0]), sg.nn.vector([3.0, 4.0])
        a.label, b.label = "a", "b"
        assert sg.graph.to_mermaid((2.0 * a * b).sum()) == text("""
            %%{init: {"flowchart": {"wrappingWidth": 400}}}%%
            flowchart LR
              n1("v1<br>data 2<br>grad 0"):::leaf
              n2("a<br>a[0]: data 1, grad 0<br>a[1]: data 2, grad 0"):::leaf
              n3["#42;<br>v2[0]: data 2, grad 0<br>v2[1]: data 4, grad 0"]
              n4("b<br>b[0]: data 3, grad 0<br>b[1]: data 4, grad 0"):::leaf
              n5["#42;<br>v3[0]: data 6, grad 0<br>v3[1]: data 16, grad 0"]
              n6["v4 (sum)<br>data 22<br>grad 0"]
              n1 --> n3
              n2 --> n3
              n3 --> n5
              n4 --> n5
              n5 --> n6
              classDef leaf stroke:#3a9a5f,stroke-width:2px
        """)

    def test_on_request_each_number_is_a_box(self, sg):
        a = sg.nn.vector([1.0, 2.0])
        drawn = sg.graph.to_mermaid((a * 3.0).sum(), fused=False)
        assert titles(drawn) == [
            *("v1[0]", "v1[1]", "v2", "v3[0] (#42;)", "v3[1] (#42;)", "v4 (sum)"),
        ]
        assert drawn.count("-->") == 2 * 2 + 2

    def test_a_label_of_a_computed_row_stands_before_its_operation(self, sg):
        a = sg.nn.vector([1.0, 2.0])
        y = a.tanh()
        y.label = "hidden"
        assert titles(sg.graph.to_mermaid(y.sum()))[1] == "hidden (tanh)"
        assert "hidden[1]: data 0.964, grad 0" in sg.graph.to_mermaid(y.sum())

    def test_a_number_with_a_label_of_its_own_is_named_by_that(self, sg):
        a = sg.nn.vector([1.0, 2.0])
        a.label, a[1].label = "a", "bias"
        assert "a|a[0]: data 1, grad 0|bias: data 2, grad 0" in without_colours(
            sg.graph.to_dot(a.sum())
        )

    @pytest.mark.parametrize(
        ("op", "compute"),
        [
            ("sum", lambda sg, a: a.sum()),
            ("mean", lambda sg, a: a.mean()),
            ("weighted_sum", lambda sg, a: sg.nn.weighted_sum([1.0, 2.0], [a, a])[0]),
            ("concatenate", lambda sg, a: sg.nn.concatenate([a, a])[3]),
            ("maximum", lambda sg, a: sg.maximum(a, 1.5)[0]),
            ("**", lambda sg, a: (a**2)[1]),
        ],
        ids=lambda x: x if isinstance(x, str) else "",
    )
    def test_every_operation_is_drawn_by_its_name(self, sg, op, compute):
        drawn = sg.graph.to_dot(compute(sg, sg.nn.vector([1.0, 2.0])))
        assert f"({op})" in drawn

    def test_a_derivative_can_be_drawn_and_shows_each_number_once(self, sg):
        a = sg.nn.vector([-1.0, -2.0])
        y = a.sigmoid()
        (slopes,) = sg.grad((y * y).sum(), a, create_graph=True)
        drawn = sg.graph.to_mermaid(slopes[0] + y[0])
        assert "(sigmoid)" in drawn
        assert "(2)" not in drawn


class TestNames:
    def test_unlabelled_numbers_are_counted_from_the_inputs_on(self, sg):
        a, b = sg.Value(1.0, label="a"), sg.Value(2.0)
        assert titles(sg.graph.to_mermaid((a + b).exp())) == ["a", "v1", "v2 (+)", "v3 (exp)"]

    def test_equal_labels_are_told_apart(self, sg):
        w1, w2, w3 = (sg.Value(1.0, label="w") for _ in range(3))
        assert titles(sg.graph.to_mermaid(w1 + w2 + w3))[:2] == ["w", "w (2)"]
        assert "w (3)" in sg.graph.explain(w1 + w2 + w3)

    def test_a_label_that_looks_like_a_given_name_is_told_apart(self, sg):
        v1, other = sg.Value(1.0, label="v1"), sg.Value(2.0)
        names = titles(sg.graph.to_mermaid(v1 - other))
        assert names == ["v1", "v1 (2)", "v2 (-)"]

    def test_the_ledger_uses_the_names_of_the_pictures(self, sg):
        loss = classifier(sg)
        drawn = titles(sg.graph.to_mermaid(loss, fused=False))
        lines = ledger(sg.graph.explain(loss))
        in_ledger = {line[0] for line in lines} | {line[4] for line in lines}
        assert in_ledger == {title.split(" ")[0] for title in drawn}


class TestText:
    LABEL = 'a"b\\n<i>&amp;`c`*d*_e_#35;$f$~~g~~'

    def test_dot_shows_every_character_of_a_label_as_it_is(self, sg):
        drawn = sg.graph.to_dot(sg.Value(1.0, label=self.LABEL))
        assert r"<b>a&quot;b\\n&lt;i&gt;&amp;amp;`c`*d*_e_#35;$f$~~g~~</b><br/>" in drawn

    def test_svg_shows_every_character_of_a_label_as_it_is(self, sg):
        assert texts(sg.graph.to_svg(sg.Value(1.0, label=self.LABEL)))[0] == self.LABEL

    @given(label=st.text(max_size=40))
    def test_svg_can_be_read_whatever_the_label(self, sg, label):
        x = sg.Value(1.0, label=label)
        title = texts(sg.graph.to_svg(sg.Value(2.0, (x,), (1.0,), op=label)))[0]
        printable = "".join(c if c.isprintable() else " " for c in label)
        assert title == (" ".join(printable.split()) or "v1")

    def test_svg_cuts_a_label_that_would_make_the_box_too_wide(self, sg):
        title = texts(sg.graph.to_svg(sg.Value(1.0, label="long" * 100)))[0]
        assert title == "long" * 9 + "lon…"

    def test_mermaid_shows_every_character_of_a_label_as_it_is(self, sg):
        title = titles(sg.graph.to_mermaid(sg.Value(1.0, label=self.LABEL)))[0]
        shown = re.sub("#([0-9]+);", lambda code: chr(int(code[1])), title)
        assert shown.replace("\N{ZERO WIDTH SPACE}", "") == self.LABEL
        assert not set(title) & set('"<>&`*_$~\\')

    @every_function
    def test_a_label_takes_one_line_and_no_control_characters(self, sg, function):
        x = sg.Value(1.0, label="two\nlines\x1b[31m\0\ud800")
        shown = getattr(sg.graph, function)(x.exp())
        assert "two lines [31m" in shown
        assert shown.replace("\n", "").isprintable()

    def test_letters_of_all_alphabets_stay(self, sg):
        assert "größe 値" in sg.graph.to_dot(sg.Value(1.0, label="größe 値"))


class TestLedger:
    def test_each_line_is_an_edge_in_the_order_of_the_pass(self, sg):
        _, y = parabola(sg)
        assert sg.graph.explain(y) == text("""
            node  op  upstream     local     contribution      parent  grad
            v4    +          1  *      1  =             1  ->  v1         1
                             1  *      1  =             1  ->  v3         1
            v1    *          1  *      3  =             3  ->  x          3
                             1  *      3  =             3  ->  x          6
            v3    *          1  *      3  =             3  ->  v2         3
                             1  *      2  =             2  ->  x          8
        """)

    def test_it_is_the_same_before_and_after_backward(self, sg):
        loss = classifier(sg)
        before = sg.graph.explain(loss)
        loss.backward()
        loss.backward()
        assert sg.graph.explain(loss) == before

    def test_a_node_passes_on_its_gradient_only_when_that_is_complete(self, sg):
        passed_on = set()
        for node, *_, parent, _ in ledger(sg.graph.explain(classifier(sg))):
            passed_on.add(node)
            assert parent not in passed_on

    def test_upstream_is_what_the_node_has_gathered(self, sg):
        gathered = {"loss": 1.0}
        for node, upstream, _, _, parent, grad in ledger(sg.graph.explain(classifier(sg))):
            assert upstream == gathered[node]
            gathered[parent] = grad

    def test_the_last_line_for_a_parent_has_its_gradient(self, sg):
        loss = classifier(sg)
        final = {line[4]: line[5] for line in ledger(sg.graph.explain(loss))}
        # d loss / d x = sum_i (p[i] - (i == 1)) w[i], with the logits -0.5, 1 and 0.75
        e = [math.exp(-0.5), math.exp(1.0), math.exp(0.75)]
        p = [ei / sum(e) for ei in e]
        x1 = p[0] * 0.5 + (p[1] - 1.0) * 1.0 + p[2] * 0.25
        x2 = p[0] * -0.5 + p[2] * 0.25
        assert final["x1"] == pytest.approx(x1, rel=1e-5)
        assert final["x2"] == pytest.approx(x2, rel=1e-5)
        assert final["v2[1]"] == pytest.approx((p[1] - 1.0) * 2.0, rel=1e-5)

    @given(data=st.data())
    def test_on_any_graph_it_ends_with_the_gradients_of_backward(self, sg, data):
        leaves = [sg.Value(float(i), label=f"leaf{i}") for i in range(1, 4)]
        nodes = list(leaves)
        for _ in range(data.draw(st.integers(1, 12))):
            a, b = (data.draw(st.sampled_from(nodes)) for _ in range(2))
            kind = data.draw(st.sampled_from(["+", "-", "*", "tanh"]))
            results = {"+": a + b, "-": a - b, "*": a * b * 0.125, "tanh": a.tanh()}
            nodes.append(results[kind])
        output = nodes[-1]
        final = {line[4]: line[5] for line in ledger(sg.graph.explain(output))}
        output.backward()
        for leaf in leaves:
            assert final.get(leaf.label, 0.0) == pytest.approx(leaf.grad, rel=1e-5, abs=1e-300)

    def test_infinity_and_nan_are_shown(self, sg):
        x = sg.Value(0.0, label="x")
        assert ledger(sg.graph.explain(x.sqrt()))[0][2] == math.inf
        assert math.isnan(ledger(sg.graph.explain(x.sqrt() - x.sqrt()))[-1][5])  # inf - inf

    def test_a_gradient_of_0_hands_nothing_down(self, sg):
        x = sg.Value(0.0, label="x")
        (upstream, local, contribution, parent, grad) = ledger(sg.graph.explain(x.sqrt() * 0.0))[
            -1
        ][1:]
        assert (upstream, local, contribution, parent, grad) == (0.0, math.inf, 0.0, "x", 0.0)

    def test_a_leaf_has_nothing_to_hand_down(self, sg):
        assert sg.graph.explain(sg.Value(1.0, label="x")) == (
            "x is a leaf: it was computed from nothing, so backward ends here"
        )


class TestTheLedgerAsData:
    def test_a_line_is_a_named_tuple_of_names_and_floats(self, sg):
        x = sg.Value(3.0, label="x")
        y = x * x
        (first, second) = sg.graph.ledger(y)
        assert first == ("v1", "*", 1.0, 3.0, 3.0, "x", 3.0)
        assert first._fields == (
            *("node", "op", "upstream", "local", "contribution", "parent", "grad"),
        )
        assert (second.node, second.parent, second.grad) == ("v1", "x", 6.0)
        assert isinstance(first, sg.graph.Edge)

    def test_it_has_the_lines_of_explain(self, sg):
        loss = classifier(sg)
        edges = sg.graph.ledger(loss)
        shown = ledger(sg.graph.explain(loss))
        assert [(e.node, e.parent) for e in edges] == [(line[0], line[4]) for line in shown]
        for edge, line in zip(edges, shown):
            numbers = (edge.upstream, edge.local, edge.contribution, edge.grad)
            assert [float(f"{x:.6g}") for x in numbers] == [*line[1:4], line[5]]

    def test_of_a_leaf_it_is_empty(self, sg):
        assert sg.graph.ledger(sg.Value(1.0)) == []

    def test_a_row_operation_has_a_line_for_each_edge(self, sg):
        a, x = sg.nn.vector([1.0, 2.0]), sg.Value(3.0, label="x")
        a.label = "a"
        assert sg.graph.explain((a * x).sum()) == text("""
            node   op   upstream     local     contribution      parent  grad
            v2     sum         1  *      1  =             1  ->  v1[0]      1
                               1  *      1  =             1  ->  v1[1]      1
            v1[0]  *           1  *      3  =             3  ->  a[0]       3
                               1  *      1  =             1  ->  x          1
            v1[1]  *           1  *      3  =             3  ->  a[1]       3
                               1  *      2  =             2  ->  x          3
        """)

    def test_the_last_grad_of_a_number_has_the_bits_of_backward(self, sg):
        """Also where the contributions add up to them but for rounding, as those of softmax."""
        x = sg.nn.vector([0.3, -1.2, 0.7])
        y = sg.nn.rmsnorm(x * [0.1, 0.2, 0.3] + x)
        loss = sg.nn.cross_entropy(sg.nn.softmax(y).tanh(), 1) + sg.nn.softmax(x)[2] * x[0]
        x.label = "x"
        final = {edge.parent: edge.grad for edge in sg.graph.ledger(loss)}
        loss.backward()
        assert tuple(final[f"x[{i}]"] for i in range(3)) == x.grad
        assert len({edge.grad for edge in sg.graph.ledger(loss)}) > 20

    def test_of_a_value_that_serves_a_row_too(self, sg):
        x = sg.Value(3.0, label="x")
        loss = (x * sg.nn.vector([1e16, 1.0, -1e16])).sum() + x
        assert [e.grad for e in sg.graph.ledger(loss) if e.parent == "x"][-1] == 1.0

    def test_names_are_those_of_the_pictures(self, sg):
        a = sg.nn.vector([1.0, 2.0])
        a.label = "a"
        y = (a * a).tanh()
        y.label = "y"
        names = {e.parent for e in sg.graph.ledger(y.sum())}
        assert names == {"a[0]", "a[1]", "v1[0]", "v1[1]", "y[0]", "y[1]"}


class TestFirstNonfinite:
    """Where inf or nan began, in words."""

    def test_there_may_be_none(self, sg):
        _, y = parabola(sg)
        assert sg.graph.first_nonfinite(y) is None
        y.backward()
        assert sg.graph.first_nonfinite(y) is None

    def test_a_leaf(self, sg):
        x = sg.Value(math.inf, label="x")
        assert sg.graph.first_nonfinite(x) == "x is inf, a leaf"
        assert sg.graph.first_nonfinite(x * 2.0 + 1.0) == "x is inf, a leaf"

    def test_a_computed_number_says_how_it_was_computed_and_from_what(self, sg):
        x, y = sg.Value(1e200, label="x"), sg.Value(1e300, label="y")
        expected = "v1 is inf: 1e+200 * 1e+300, of x, y"
        assert sg.graph.first_nonfinite((x * y).tanh() - x) == expected

    def test_the_first_of_several_counts(self, sg):
        x = sg.Value(1e200, label="x")
        too_large = x * x
        not_a_number = too_large - too_large
        assert sg.graph.first_nonfinite(not_a_number + math.nan).startswith("v1 is inf: 1e+200 * ")

    def test_a_gradient_says_who_handed_it_down(self, sg):
        x = sg.Value(0.0, label="x")
        y = x.sqrt() * 2.0
        assert sg.graph.first_nonfinite(y) is None
        y.backward()
        expected = "the gradient of x is inf: 2 from v1, times the derivative inf of sqrt(0)"
        assert sg.graph.first_nonfinite(y) == expected

    def test_a_number_of_a_row_is_named_as_in_the_pictures(self, sg):
        row = sg.nn.vector([4.0, 0.0, 1.0])
        row.label = "w"
        loss = row.sqrt().sum()
        loss.backward()
        expected = "the gradient of w[1] is inf: 1 from v1[1], times the derivative inf of sqrt(0)"
        assert sg.graph.first_nonfinite(loss) == expected
        row.data = [1.0, 2.0, math.nan]
        assert sg.graph.first_nonfinite((row * 2.0).sum()) == "w[2] is nan, a leaf"

    def test_a_gradient_that_was_nan_from_the_start(self, sg):
        x = sg.Value(1.0, label="x")
        y = x * 2.0
        y.label = "y"
        y.backward(math.nan)
        assert sg.graph.first_nonfinite(y) == "the gradient of y is nan"

    def test_changes_nothing(self, sg):
        x = sg.Value(0.0)
        y = x.sqrt()
        y.backward()
        before = (x.data, x.grad, y.data, y.grad)
        sg.graph.first_nonfinite(y)
        assert (x.data, x.grad, y.data, y.grad) == before


class TestNotebooks:
    """As IPython asks: `_repr_mimebundle_(include=..., exclude=...)` gives texts by MIME type."""

    PLAIN, PICTURE = "text/plain", "image/svg+xml"

    def shown(self, thing):
        return texts(thing._repr_mimebundle_()[self.PICTURE])

    def test_a_computed_value_is_shown_as_text_and_as_its_graph(self, sg):
        _, y = parabola(sg)
        assert y._repr_mimebundle_() == {
            self.PLAIN: "Value(data=15.0, grad=0.0)",
            self.PICTURE: sg.graph.to_svg(y),
        }

    def test_nothing_has_to_be_installed_for_that(self, sg, monkeypatch):
        monkeypatch.setenv("PATH", "")
        _, y = parabola(sg)
        assert self.PICTURE in y._repr_mimebundle_()

    def test_a_leaf_says_that_it_is_one(self, sg):
        x, y = parabola(sg)
        y.backward()
        assert x._repr_mimebundle_()[self.PLAIN] == "Value(data=3.0, grad=8.0, label='x')"
        assert self.shown(x) == ["x: a leaf", "data 3", "grad 8"]

    def test_an_element_of_a_row_is_shown_as_its_graph(self, sg):
        y = sg.nn.softmax([1.0, 2.0])[0]
        assert y._repr_mimebundle_()[self.PICTURE] == sg.graph.to_svg(y)

    def test_a_row_is_shown_as_text_and_as_its_graph(self, sg):
        y = sg.nn.softmax([1.0, 2.0])
        assert y._repr_mimebundle_() == {self.PLAIN: repr(y), self.PICTURE: sg.graph.to_svg(y)}

    def test_a_row_of_leaves_says_that_it_is_one(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        row.label = "w"
        assert self.shown(row) == [
            *("w: a row of leaves", "w[0]: data 1, grad 0", "w[1]: data 2, grad 0"),
        ]

    def test_an_empty_row_is_shown_as_text(self, sg):
        assert sg.Vector([])._repr_mimebundle_() == {self.PLAIN: "Vector([])"}

    def test_a_very_long_row_says_how_long(self, sg):
        assert self.shown(sg.nn.vector(range(100_000))) == ["a row of 100,000 numbers"]

    @pytest.mark.parametrize(
        ("length", "how_much"), [(51, "51 boxes"), (200_000, "more than 5,000 arrows")]
    )
    def test_a_graph_too_large_to_read_says_so_at_once(self, sg, length, how_much):
        x = sg.Value(1.0)
        for _ in range(length - 1):
            x = -x
        start = time.process_time()  # of its own, whatever else the machine does
        note, *_, title, data, grad = self.shown(x)
        assert time.process_time() - start < 1.0
        assert note == how_much
        assert (title, grad) == ("v (neg)", "grad 0")
        assert data == f"data {x.data:g}"

    def test_a_graph_of_fifty_boxes_is_drawn(self, sg):
        x = sg.Value(1.0)
        for _ in range(49):
            x = -x
        assert x._repr_mimebundle_()[self.PICTURE] == sg.graph.to_svg(x)

    def test_a_wide_graph_says_so_at_once(self, sg):
        w = sg.nn.matrix(200, 200)
        logits = sg.nn.linear(w[0], w)
        assert self.shown(logits)[:2] == ["more than 5,000 arrows", "too many to be drawn here"]
        loss = sg.nn.cross_entropy(logits, 1)
        loss.label = "loss"
        assert self.shown(loss)[5] == "loss (cross_entropy)"

    def test_a_row_of_many_small_graphs_says_how_many(self, sg):
        row = sg.Vector([-sg.Value(1.0) for _ in range(4_000)])
        assert self.shown(row)[0] == "8,000 boxes"

    @pytest.mark.parametrize(
        ("include", "exclude", "kinds"),
        [
            ([PLAIN], None, {PLAIN}),
            ({PICTURE, "text/html"}, None, {PICTURE}),
            (None, [PLAIN], {PICTURE}),
            ([PLAIN, PICTURE], {PICTURE}, {PLAIN}),
            ([], None, set()),
        ],
    )
    def test_it_gives_what_is_asked_for(self, sg, include, exclude, kinds):
        for thing in (parabola(sg)[1], sg.nn.vector([1.0])):
            assert set(thing._repr_mimebundle_(include=include, exclude=exclude)) == kinds

    def test_showing_changes_nothing(self, sg):
        x, y = parabola(sg)
        y.backward()
        y._repr_mimebundle_()
        assert (x.data, x.grad, y.data, y.grad) == (3.0, 8.0, 15.0, 1.0)


class TestSave:
    @pytest.fixture(autouse=True)
    def in_a_folder_of_its_own(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        self.folder = tmp_path

    @pytest.fixture
    def dot(self, tmp_path_factory, monkeypatch):
        """Puts a program named `dot` on the path: the one it is given, or none."""

        def install(script=None):
            programs = tmp_path_factory.mktemp("programs")
            monkeypatch.setenv("PATH", str(programs))
            if script:
                program = programs / "dot"
                program.write_text(f"#!{sys.executable}\n{script}", encoding="utf-8")
                program.chmod(0o755)

        return install

    @pytest.mark.parametrize(
        ("name", "picture"),
        [("y.svg", "to_svg"), ("y.dot", "to_dot"), ("y.mmd", "to_mermaid"), ("y.SVG", "to_svg")],
    )
    def test_the_ending_says_what_is_written(self, sg, name, picture):
        x = sg.nn.softmax([sg.Value(1.0, label="größe"), 2.0])
        sg.graph.save(x[0], name)
        assert (self.folder / name).read_bytes().decode() == getattr(sg.graph, picture)(x[0]) + "\n"
        options = {"fused": False, "local_grads": True}
        sg.graph.save(x, self.folder / name, **options)  # a row, a path, and a file that is there
        expected = getattr(sg.graph, picture)(x, **options) + "\n"
        assert (self.folder / name).read_bytes().decode() == expected

    def test_what_no_file_can_be_called_is_refused(self, sg):
        with pytest.raises(ValueError, match=r"^save: path must be a file name, got 'a\\x00\.svg'"):
            sg.graph.save(sg.Value(1.0), "a\0.svg")

    @pytest.mark.parametrize("ending", ["png", "pdf"])
    def test_graphviz_draws_what_svg_is_not(self, sg, dot, ending):
        dot(
            "import sys\n"
            f"assert sys.argv[1:] == ['-T{ending}']\n"
            "sys.stdout.buffer.write(b'drawn ' + sys.stdin.buffer.read())"
        )
        _, y = parabola(sg)
        sg.graph.save(y, f"y.{ending}")
        assert (self.folder / f"y.{ending}").read_bytes().decode() == f"drawn {sg.graph.to_dot(y)}"

    def test_without_graphviz_it_says_what_to_do(self, sg, dot):
        dot(None)
        with pytest.raises(OSError, match=r"dot is not installed; save it as \.svg, which"):
            sg.graph.save(parabola(sg)[1], "y.png")

    @pytest.mark.parametrize(
        ("script", "seconds", "said"),
        [
            ("import sys; sys.exit('no ink')", 60.0, "could not draw 'y.png': no ink"),
            ("import time; time.sleep(60)", 0.5, "could not draw 'y.png': .* timed out"),
        ],
        ids=["fails", "hangs"],
    )
    def test_a_graphviz_that_does_not_work_says_why(
        self, sg, dot, script, seconds, said, monkeypatch
    ):
        monkeypatch.setattr(sg.graph, "_DRAWING_SECONDS", seconds)
        dot(script)
        (self.folder / "y.png").write_text("before", encoding="utf-8")
        with pytest.raises(OSError, match=said):
            sg.graph.save(parabola(sg)[1], "y.png")
        assert (self.folder / "y.png").read_text(encoding="utf-8") == "before"

    @pytest.mark.parametrize("name", ["y.jpg", "y", ".svg", ""])
    def test_any_other_ending_is_refused_with_those_there_are(self, sg, name):
        with pytest.raises(ValueError, match=rf"^save: path must end in .svg, .*, got '{name}'$"):
            sg.graph.save(parabola(sg)[1], name)

    def test_where_it_cannot_be_written_the_error_names_the_file(self, sg):
        with pytest.raises(FileNotFoundError, match=r"save: 'no/y.svg' cannot be written: No such"):
            sg.graph.save(parabola(sg)[1], "no/y.svg")

    def test_what_fails_leaves_the_file_that_was_there(self, sg, monkeypatch):
        (self.folder / "y.svg").write_text("before", encoding="utf-8")

        def no_space(*arguments):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "replace", no_space)
        with pytest.raises(OSError, match=r"save: 'y\.svg' cannot be written: No space left"):
            sg.graph.save(parabola(sg)[1], "y.svg")
        assert [path.name for path in self.folder.iterdir()] == ["y.svg"]
        assert (self.folder / "y.svg").read_text(encoding="utf-8") == "before"

    def test_too_large_a_graph_is_refused_and_the_limit_can_be_raised(self, sg):
        x = sg.Value(1.0)
        for _ in range(300):
            x = -x
        with pytest.raises(ValueError, match=r"^save: this graph has more than max_nodes=200 "):
            sg.graph.save(x, "x.svg")
        assert [*self.folder.iterdir()] == []
        sg.graph.save(x, "x.svg", max_nodes=301)
        assert (self.folder / "x.svg").exists()


class TestAllOfThem:
    @every_function
    def test_nothing_is_changed(self, sg, function):
        x, y = parabola(sg)
        x.grad, y.grad = 0.25, 0.5
        getattr(sg.graph, function)(y)
        assert (x.data, x.grad, y.data, y.grad) == (3.0, 0.25, 15.0, 0.5)

    @every_function
    def test_the_text_is_the_same_in_every_run(self, function):
        program = textwrap.dedent(f"""
            import scalargrad as sg
            w = [sg.nn.vector([0.5, -0.5]), sg.nn.vector([1.0, 0.0])]
            p = sg.nn.softmax(sg.nn.linear([sg.Value(1.0), sg.Value(2.0)], w))
            print(sg.graph.{function}(p[0] * p[1] + sg.nn.dot(p, [1.0, 2.0])))
        """)
        outputs = {
            subprocess.run(
                [sys.executable, "-c", program],
                env=os.environ | {"PYTHONHASHSEED": seed},
                capture_output=True,
                check=True,
            ).stdout
            for seed in ("1", "2", "3")
        }
        assert len(outputs) == 1
        assert b"softmax" in outputs.pop()

    @pytest.mark.parametrize(
        ("function", "limit", "more"),
        [
            ("to_dot", "max_nodes=200 nodes", "max_nodes"),
            ("to_mermaid", "max_nodes=200 nodes", "max_nodes"),
            ("explain", "max_edges=1,000 edges", "max_edges"),
            ("ledger", "max_edges=1,000 edges", "max_edges"),
        ],
    )
    def test_too_large_a_graph_is_refused_at_once(self, sg, function, limit, more):
        """Without counting it, which may take minutes: it stops at the limit."""
        x = sg.Value(1.0)
        for _ in range(100_000):
            x = -x
        start = time.process_time()  # of its own, whatever else the machine does
        with pytest.raises(ValueError, match=f"^{function}: ") as raised:
            getattr(sg.graph, function)(x)
        assert time.process_time() - start < 0.1
        assert str(raised.value) == (
            f"{function}: this graph has more than {limit}; "
            f"take a smaller one, or a Value further in, or raise {more}"
        )

    @every_function
    def test_the_limit_can_be_raised_to_draw_a_deep_graph(self, sg, function):
        x = sg.Value(1.0)
        for _ in range(1_000):
            x = -x
        limit = {"max_edges" if function == "explain" else "max_nodes": 1_001}
        assert getattr(sg.graph, function)(x, **limit).count("neg") == 1_000

    @every_picture
    def test_the_limit_counts_what_would_be_drawn(self, sg, picture):
        row = sg.nn.vector([1.0, 2.0, 3.0])
        y = sg.nn.dot(row, row)
        getattr(sg.graph, picture)(y, max_nodes=2)
        getattr(sg.graph, picture)(y, fused=False, max_nodes=4)
        with pytest.raises(ValueError, match="more than max_nodes=1 nodes"):
            getattr(sg.graph, picture)(y, max_nodes=1)
        with pytest.raises(ValueError, match="more than max_nodes=3 nodes"):
            getattr(sg.graph, picture)(y, fused=False, max_nodes=3)

    def test_the_limit_of_the_ledger_counts_its_lines(self, sg):
        x = sg.Value(3.0)
        y = x * x + x
        assert len(sg.graph.ledger(y, max_edges=4)) == 4
        with pytest.raises(ValueError, match="more than max_edges=3 edges"):
            sg.graph.ledger(y, max_edges=3)

    @pytest.mark.parametrize("function", ["explain", "ledger", "first_nonfinite"])
    def test_only_a_value_has_a_backward_pass(self, sg, function):
        with pytest.raises(TypeError, match=rf"^{function}: v must be a Value, got float 1.0$"):
            getattr(sg.graph, function)(1.0)
        with pytest.raises(TypeError, match=r"got Vector; pass one of its elements$"):
            getattr(sg.graph, function)(sg.nn.vector([1.0]))

    @every_picture
    def test_only_a_value_or_a_row_can_be_drawn(self, sg, picture):
        with pytest.raises(
            TypeError, match=rf"^{picture}: v must be a Value or a row, got float 1"
        ):
            getattr(sg.graph, picture)(1.0)
        with pytest.raises(TypeError, match=r"got tuple; pass one of its elements$"):
            getattr(sg.graph, picture)(sg.nn.matrix(2, 2))
