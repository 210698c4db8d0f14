"""A table of labels is read as it was meant, whoever wrote it, or refused with both readings."""

from __future__ import annotations

from pathlib import Path

import pytest

from toco_core.data.sources.label_table import LabelTable, natural_order, read_label_table
from toco_core.data.storage import DatasetError

IMAGES = {"a", "a.png", "b", "b.png", "c", "c.png"}  # what the directory of the images holds


def read(place: Path, table: str | bytes, *classes: str) -> LabelTable:
    path = place / "labels.csv"
    path.write_bytes(table if isinstance(table, bytes) else table.encode())
    return read_label_table(path, classes, IMAGES.__contains__)


def labels(table: LabelTable) -> dict[str, tuple[str, ...]]:
    return {line.name: line.labels for line in table.lines}


CAT_DOG = {"a.png": ("cat", "dog"), "b.png": ("cat",)}


@pytest.mark.parametrize(
    "table",
    [
        "a.png,cat,dog\nb.png,cat\n",
        "name,label\na.png,cat,dog\nb.png,cat,\n",
        "a.png, cat , dog\r\n\r\nb.png,cat\r\n",
        'a.png,"cat;dog"\nb.png,cat\n',
        "a.png,cat|dog\nb.png,cat\n",
        'a.png,"cat, dog"\nb.png,cat\n',
        # as a spreadsheet writes it in half of the world
        "a.png;cat;dog\nb.png;cat\n",
        "name;labels\na.png;cat,dog\nb.png;cat\n",
        "a.png\tcat\tdog\nb.png\tcat\n",
        # as pandas does
        ",name,first,second\n0,a.png,cat,dog\n1,b.png,cat,\n",
        "0,a.png,cat,dog\n1,b.png,cat,\n",
        '"","name","x","y"\n"1","a.png","cat","dog"\n"2","b.png","cat",\n',
        "id,file,x,y\n17,a.png,cat,dog\n4,b.png,cat,\n",
        # a column for each class
        "name,cat,dog\na.png,1,1\nb.png,1,0\n",
        "name,cat,dog\na.png,1,1\nb.png,1\n",
        "name;cat;dog;;\na.png;1.0;1.0;;\nb.png;1.0;0.0;;\n",
        "Image_ID,cat,dog\na.png,TRUE,True\nb.png,True,false\n",
        ",name,cat,dog\n0,a.png,1,1\n1,b.png,1,0\n",
    ],
)
def test_the_same_labels_in_all_ways_to_write_them(tmp_path: Path, table: str) -> None:
    found = read(tmp_path, table)
    assert labels(found) == CAT_DOG
    assert found.class_names == ("cat", "dog")
    assert found.guessed_heading == ""


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_a_table_of_another_encoding_is_read_if_it_says_so(tmp_path: Path, encoding: str) -> None:
    content = "name\tlabel\na.png\tKätzchen\n".encode(encoding)
    if encoding == "utf-16-le":
        with pytest.raises(DatasetError, match=r"labels\.csv is not a text in UTF-8"):
            read(tmp_path, content)
    else:
        assert labels(read(tmp_path, content)) == {"a.png": ("Kätzchen",)}


@pytest.mark.parametrize(
    "heading", ["name", "Filename", "file_name", "image", "Image ID", "images", "img", "path", "ID"]
)
def test_a_heading_of_known_words_is_none_of_the_images(tmp_path: Path, heading: str) -> None:
    table = read(tmp_path, f"{heading},label\na.png,cat\nmissing.png,cat\n")
    assert labels(table) == {"a.png": ("cat",), "missing.png": ("cat",)}
    assert table.guessed_heading == ""


def test_a_heading_of_other_words_is_guessed_and_said(tmp_path: Path) -> None:
    table = read(tmp_path, "Bild,Klasse\na.png,Katze\nb.png,Hund\n")
    assert labels(table) == {"a.png": ("Katze",), "b.png": ("Hund",)}
    assert table.guessed_heading == "Bild,Klasse"


@pytest.mark.parametrize("first", ["missing.png,cat", "missing,cat", "c,emu", "missing"])
def test_a_first_image_is_no_heading(tmp_path: Path, first: str) -> None:
    table = read(tmp_path, f"{first}\na.png,cat\nb.png,dog\n")
    assert [line.name for line in table.lines] == [first.split(",")[0], "a.png", "b.png"]


def test_a_heading_may_be_called_as_an_image_is(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("image,label\nimage.jpg,cat\na.jpg,dog\n")
    images = {"image", "image.jpg", "a", "a.jpg"}
    table = read_label_table(tmp_path / "labels.csv", (), images.__contains__)
    assert labels(table) == {"image.jpg": ("cat",), "a.jpg": ("dog",)}
    assert table.guessed_heading == "image,label"
    (tmp_path / "labels.csv").write_text("image,cat\na,cat\n")
    table = read_label_table(tmp_path / "labels.csv", (), images.__contains__)
    assert labels(table) == {"image": ("cat",), "a": ("cat",)}


def test_an_image_called_name_is_an_image(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("name.png,cat\nimage.png,dog\n")
    table = read_label_table(tmp_path / "labels.csv", (), lambda name: name.endswith(".png"))
    assert labels(table) == {"name.png": ("cat",), "image.png": ("dog",)}


def test_the_columns_give_the_order_of_the_classes_and_keep_those_without_an_image(
    tmp_path: Path,
) -> None:
    table = read(tmp_path, "name,emu,traffic light,cat\na.png,0,1,0\nb.png,1,1,0\nc.png,0,0,0\n")
    assert table.class_names == ("emu", "traffic light", "cat")
    assert labels(table) == {
        "a.png": ("traffic light",),
        "b.png": ("emu", "traffic light"),
        "c.png": (),
    }


def test_columns_without_a_heading_are_those_of_the_classes_that_are_named(tmp_path: Path) -> None:
    assert labels(read(tmp_path, "a.png,1,0\nb.png,1,1\n", "dog", "cat")) == {
        "a.png": ("dog",),
        "b.png": ("dog", "cat"),
    }


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("a.png,1,0\nb.png,1,1\n", "the classes would be '0' and '1'.*--classes"),
        ("name,label\na.png,1\nb.png,0\n", "the classes would be '0' and '1'"),
        ("name,cat,dog\na.png,1,0\nb.png,2,0\n", "line 3: 2,0 are not all 0 or 1"),
        ("name,cat,split\na.png,1,train\nb.png,0,test\n", "line 2: 1,train are not all 0 or 1"),
        (
            "name,labels,split,width\na.png,cat,train,200\n",
            "beside the labels: split, width; leave",
        ),
        ("a.png,\"['cat', 'dog']\"\n", "line 1: .* is a list as a program prints it.*cat;cup"),
        ("a.png,['cat', 'dog']\n", "line 1: .*is a list as a program prints it"),
        ("name,cat,dog\na.png,0.9,0\n", r"line 2: 0\.9,0 are not all 0 or 1"),
        ("a.png,hot dog\nb.png,dog\n", "line 1: 'hot dog' may be one class or several.*--classes"),
        ("a.png,cat dog\nb.png,dog emu\n", "line 1: 'cat dog' may be one class or several"),
    ],
)
def test_a_table_that_can_be_read_in_two_ways_is_refused(
    tmp_path: Path, table: str, problem: str
) -> None:
    with pytest.raises(DatasetError, match=rf"labels\.csv.*{problem}") as error:
        read(tmp_path, table)
    assert "\n" not in str(error.value)


def test_classes_called_0_and_1_are_taken_where_they_are_named(tmp_path: Path) -> None:
    table = read(tmp_path, "name,label\na.png,1\nb.png,0\n", "0", "1")
    assert labels(table) == {"a.png": ("1",), "b.png": ("0",)}


@pytest.mark.parametrize(
    ("table", "classes", "expected"),
    [
        # a cell of its own
        ("a,traffic light,dog\nb,dog\n", (), {"a": ("traffic light", "dog"), "b": ("dog",)}),
        ("a,hot dog,cat\nb,dog\n", (), {"a": ("hot dog", "cat"), "b": ("dog",)}),
        ("a,traffic light\nb,stop sign\n", (), {"a": ("traffic light",), "b": ("stop sign",)}),
        (
            "a,coffee cup\nb,coffee cup;dog\n",
            (),
            {"a": ("coffee cup",), "b": ("coffee cup", "dog")},
        ),
        (
            "a,coffee cup\nb,coffee cup|cup\n",
            (),
            {"a": ("coffee cup",), "b": ("coffee cup", "cup")},
        ),
        # all labels in one cell
        ("a,cat dog\nb,cat\nc,dog\n", (), {"a": ("cat", "dog"), "b": ("cat",), "c": ("dog",)}),
        ("a,cat dog\nb,cat,dog\n", (), {"a": ("cat", "dog"), "b": ("cat", "dog")}),
        ("a,cat dog\n", ("cat", "dog"), {"a": ("cat", "dog")}),
        # both may be meant, and the names of the classes tell
        ("a,hot dog\nb,dog\n", ("dog", "hot dog"), {"a": ("hot dog",), "b": ("dog",)}),
        ("a,hot dog;dog\n", ("dog", "hot dog"), {"a": ("hot dog", "dog")}),
        ("a,sea lion\nb,sea\n", ("sea",), {"a": ("sea lion",), "b": ("sea",)}),
    ],
)
def test_a_name_with_spaces_is_one_class_where_it_stands_alone(
    tmp_path: Path, table: str, classes: tuple[str, ...], expected: dict[str, tuple[str, ...]]
) -> None:
    assert labels(read(tmp_path, table, *classes)) == expected


def test_classes_that_are_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    table = read(tmp_path, "a,10\nb,9,2\nc,1\n")
    assert table.class_names == ("1", "2", "9", "10")
    assert sorted(["c10", "c2", "b", "c"], key=natural_order) == ["b", "c", "c2", "c10"]
