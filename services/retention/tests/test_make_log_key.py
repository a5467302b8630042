"""What `migrate` makes once, and that it never covers up a loss."""

import pytest
from chassis.keys import NO_SUBJECT
from retention_service import kek
from retention_service.kek import BadKeks

from .rig import Rig


async def test_migrating_again_changes_no_key_and_no_epoch(rig: Rig) -> None:
    before = await rig.key("profile", NO_SUBJECT, "log")
    for prepare in rig.service.at_migration:
        await prepare()
    assert await rig.key("profile", NO_SUBJECT, "log") == before
    assert kek.load(rig.settings.kek_dir).epochs == {1}


async def test_a_directory_that_lost_an_epoch_stops_the_migration_and_is_not_filled_anew(rig: Rig) -> None:
    begun = kek.begin_epoch(rig.settings.kek_dir)
    (rig.settings.kek_dir / "epoch-000001.kek").unlink()
    (prepare,) = rig.service.at_migration
    with pytest.raises(BadKeks, match=r"epochs \[1\].*restore their files"):
        await prepare()
    (rig.settings.kek_dir / f"epoch-{begun:06}.kek").unlink()
    with pytest.raises(BadKeks, match=r"epochs \[1\].*restore their files"):
        await prepare()
    assert not kek.has_epochs(rig.settings.kek_dir)


async def test_a_service_without_key_encryption_keys_does_not_start_to_serve(rig: Rig) -> None:
    (rig.settings.kek_dir / "epoch-000001.kek").unlink()
    with pytest.raises(BadKeks, match="run this service with `migrate`"):
        rig.service.routers()
