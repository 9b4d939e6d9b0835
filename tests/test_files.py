"""Output is whole under its name or not there, and an unwritable place is explained."""

import errno
from pathlib import Path

import pytest

from nonplus.errors import BadInput
from nonplus.files import replacing, writing


def test_the_new_content_has_the_name_once_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "figures.txt"
    path.write_text("old")
    with replacing(path) as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_content_and_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "figures.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as unfinished:
        unfinished.write_text("half" * (1 // 0))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"is not a regular file.*give the name of a file"), replacing(tmp_path):
        pass


def test_a_place_that_cannot_be_written_is_explained_alike_by_both(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "figures.txt"
    message = r"figures\.txt cannot be written: No such file or directory; give another place"
    with pytest.raises(BadInput, match=message), replacing(path):
        pass
    with pytest.raises(BadInput, match=message), writing(path):
        path.write_text("new")


def test_a_full_disk_is_explained(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="make room"), replacing(tmp_path / "figures.txt"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_an_error_about_another_file_is_not_blamed_on_this_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "figures.txt"):
        (tmp_path / "source.txt").read_text()
