"""Every event there is, by class and by wire name. An event that is not here can't be published or subscribed to."""

from types import MappingProxyType
from typing import Final

from contracts.communication import MessageSent
from contracts.event import Event
from contracts.position import PositionClosed, PositionPublished
from contracts.privacy import (
    DeletionCancelled,
    DeletionRequested,
    ErasureRequested,
    HolderRegistered,
    PersonalDataErased,
    SubjectErased,
)
from contracts.profile import (
    JobInterestRemoved,
    JobInterestSaved,
    ProfileCorrected,
    ProfileDeleted,
    ProfileRegistered,
)

EVENTS: Final[tuple[type[Event], ...]] = (
    ProfileRegistered,
    ProfileCorrected,
    ProfileDeleted,
    JobInterestSaved,
    JobInterestRemoved,
    PositionPublished,
    PositionClosed,
    MessageSent,
    HolderRegistered,
    DeletionRequested,
    DeletionCancelled,
    ErasureRequested,
    PersonalDataErased,
    SubjectErased,
)

EVENT_BY_TYPE: Final = MappingProxyType({event.type: event for event in EVENTS})
