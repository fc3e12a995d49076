"""examples/microgpt: what is set once and does not change."""

import copy
import pickle

import pytest
from microgpt_support import FOLDER

# isort: split
from model import Config
from run import Training, new_run
from tokenizer import Tokenizer

RECORDS = [Config(n_layer=2), Training(steps=3), Tokenizer("ab")]
each = pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)


def test_printed_they_say_how_to_make_them_again():
    assert repr(Config()) == "Config(n_layer=1, n_embd=16, n_head=4, block_size=16)"
    assert repr(Training(steps=3)) == (
        "Training(steps=3, batch_size=1, lr=0.01, betas=(0.85, 0.99), seed=42, val_fraction=0.0, "
        "chunk=False)"
    )
    assert repr(Tokenizer("ab")) == "Tokenizer(characters='ab')"
    for record in RECORDS:
        assert eval(repr(record)) == record


@each
def test_equal_are_those_of_one_class_with_the_same_values(record):
    assert record == eval(repr(record))
    assert hash(record) == hash(eval(repr(record)))
    assert record != vars(record)
    assert [other == record for other in RECORDS].count(True) == 1
    assert Config(n_layer=2) != Config(n_layer=3)
    assert Tokenizer("ab") != Tokenizer("ba")


@each
def test_no_value_changes_and_none_can_be_added(record):
    before = repr(record)
    for name in [*vars(record), "colour"]:
        with pytest.raises(AttributeError, match=rf"cannot set {name}: .* make another"):
            setattr(record, name, 3)
        with pytest.raises(AttributeError, match=f"cannot delete {name}"):
            delattr(record, name)
    assert repr(record) == before


@each
def test_copies_are_equal(record):
    for again in (copy.copy(record), copy.deepcopy(record), pickle.loads(pickle.dumps(record))):
        assert again == record
        assert vars(again) == vars(record)


def test_a_run_is_printed_without_its_documents_and_is_equal_to_itself_only():
    runs = [new_run(str(FOLDER / "names.txt"), Config(), Training(steps=2000)) for _ in range(2)]
    assert repr(runs[0]) == "<Run: 0 of 2,000 steps are done>"
    assert runs[0] == runs[0] != runs[1]
