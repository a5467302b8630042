"""A key-encryption key in custody: a majority of the places makes it again, and one place alone can tell nothing of it."""

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from retention_service.custody import Custody, join, restore_epochs, split
from retention_service.kek import BadKeks, begin_epoch, destroy_epoch, load


@given(st.binary(min_size=1, max_size=40), st.integers(2, 5), st.data())
def test_any_majority_of_shares_makes_the_secret_again(secret: bytes, need: int, data: st.DataObject) -> None:
    shares = split(secret, data.draw(st.integers(need, 9)), need)
    some = data.draw(st.sampled_from(list(combinations(shares, need))))
    assert join({number: shares[number] for number in some}) == secret


def test_fewer_shares_fit_every_secret_alike() -> None:
    """One share of two: whatever the byte was, each value of the share is as likely."""
    seen = {secret: [0] * 256 for secret in (0, 255)}
    for secret, counts in seen.items():
        for _ in range(12_800):
            counts[split(bytes([secret]), 3, 2)[1][0]] += 1
    assert all(min(counts) > 10 and max(counts) < 110 for counts in seen.values())


def places(folder: Path, count: int = 3) -> list[Path]:
    made = [folder / f"place-{number}" for number in range(count)]
    for place in made:
        place.mkdir()
    return made


def test_a_lost_directory_is_made_again_from_two_of_three_places(tmp_path: Path) -> None:
    kept, directory = places(tmp_path), tmp_path / "keks"
    begin_epoch(directory, Custody(kept).keep)
    begin_epoch(directory, Custody(kept).keep)
    before = {file.name: file.read_bytes() for file in directory.iterdir()}
    for file in directory.iterdir():
        file.unlink()
    directory.rmdir()
    assert restore_epochs(kept[1:], directory) == [1, 2]
    assert {file.name: file.read_bytes() for file in directory.iterdir()} == before
    assert load(directory).epochs == {1, 2}
    assert restore_epochs(kept, directory) == []


def test_too_few_places_make_no_key_and_say_so(tmp_path: Path) -> None:
    kept = places(tmp_path)
    begin_epoch(tmp_path / "keks", Custody(kept).keep)
    with pytest.raises(BadKeks, match="needs 2 shares, and 1 were found"):
        restore_epochs(kept[:1], tmp_path / "anew")
    with pytest.raises(BadKeks, match="no share was found"):
        restore_epochs([tmp_path / "nowhere"], tmp_path / "anew")
    with pytest.raises(BadKeks, match="one place alone is no split"):
        Custody(kept[:1])


def test_a_damaged_or_foreign_share_makes_no_wrong_key(tmp_path: Path) -> None:
    kept = places(tmp_path)
    begin_epoch(tmp_path / "keks", Custody(kept).keep)
    share = kept[0] / "epoch-000001.share"
    whole = share.read_text()
    digit = whole[-10]
    share.write_text(whole[:-10] + ("0" if digit != "0" else "1") + whole[-9:])
    with pytest.raises(BadKeks, match="do not make its key"):
        restore_epochs(kept[:2], tmp_path / "anew")
    share.write_text("{}")
    with pytest.raises(BadKeks, match="is no share"):
        restore_epochs(kept, tmp_path / "anew")


def test_an_epoch_whose_shares_can_not_all_be_kept_is_not_begun(tmp_path: Path) -> None:
    kept = places(tmp_path)
    kept[2].rmdir()
    with pytest.raises(BadKeks, match="custody place 3 can't be written"):
        begin_epoch(tmp_path / "keks", Custody(kept).keep)
    assert list((tmp_path / "keks").iterdir()) == []


def test_a_destroyed_epoch_does_not_come_back_from_shares_that_were_forgotten(tmp_path: Path) -> None:
    kept, directory = places(tmp_path), tmp_path / "keks"
    custody = Custody(kept)
    begin_epoch(directory, custody.keep)
    forgotten = (kept[0] / "epoch-000001.share").read_bytes(), (kept[1] / "epoch-000001.share").read_bytes()
    begin_epoch(directory, custody.keep)
    custody.let_go(1)
    destroy_epoch(directory, 1)
    assert [file.name for place in kept for file in place.iterdir()] == ["epoch-000002.share"] * 3
    for place, share in zip(kept, forgotten, strict=False):
        (place / "epoch-000001.share").write_bytes(share)
    with pytest.raises(BadKeks, match="was destroyed by a rotation"):
        restore_epochs(kept, directory)
