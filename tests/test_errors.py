import inspect
import pickle

import pytest

from fvc import errors


@pytest.mark.parametrize(
    "error",
    [
        errors.VideoError("a.mp4", "corrupt", "frame 3 is damaged"),
        errors.ArchiveError("a.zip", "wrong password", member="x"),
        errors.LeakageError(["f1"], "fold 2"),
        errors.MissingExtraError("x3d", "deep"),
        errors.MissingInputError("no index", path="data/a.csv", remedy="Run `fvc setup` first"),
        errors.TableError("a.csv", "is empty"),
        errors.OptionError("--seed is -1"),
    ],
)
def test_errors_cross_process_borders(error: errors.FVCError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)


def test_the_tree_drawn_in_the_docstring_is_the_tree() -> None:
    drawn = inspect.getdoc(errors)
    assert drawn is not None
    for name, cls in vars(errors).items():
        if inspect.isclass(cls) and issubclass(cls, errors.FVCError):
            (line,) = [line for line in drawn.splitlines() if f" {name} " in f" {line} "]
            digits = [word for word in line.split() if word.isdigit()]
            expected = cls.exit_code
            assert [int(d) for d in digits] == ([expected] if digits else []), name
            if not digits:
                assert expected == errors.DataError.exit_code, name


def test_leakage_names_the_groups() -> None:
    error = errors.LeakageError([f"f{i}" for i in range(7)], "fold 2")
    assert "fold 2" in str(error)
    assert "'f0'" in str(error)
    assert "and 2 more" in str(error)


def test_a_missing_extra_says_the_line_that_brings_it() -> None:
    with pytest.raises(errors.NotAvailableError, match=r'pip install "fvc\[deep\]"'):
        raise errors.MissingExtraError("x3d", "deep")
