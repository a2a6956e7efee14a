import inspect
import pickle

import pytest

from fvc import errors


def test_errors_about_a_video_cross_process_borders() -> None:
    error = pickle.loads(pickle.dumps(errors.VideoError("a.mp4", "corrupt", "frame 3 is damaged")))
    assert (error.path, error.kind, error.reason) == ("a.mp4", "corrupt", "frame 3 is damaged")
    assert str(error) == "a.mp4: frame 3 is damaged"


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
