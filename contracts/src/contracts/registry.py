"""Every event there is, by class and by wire name. An event that is not here can't be published or subscribed to."""

from types import MappingProxyType
from typing import Final

from contracts.communication import LastMailEnded, MessageSent, RecipientMailSent
from contracts.disclosure import PersonalDataDisclosed, RecipientRegistered
from contracts.event import Event
from contracts.position import PositionClosed, PositionPublished
from contracts.privacy import (
    DeletionCancelled,
    DeletionRequested,
    ErasureRequested,
    HolderRegistered,
    HoldLifted,
    HoldPlaced,
    PersonalDataErased,
    ResidueScanned,
    ResidueScanRequested,
    SubjectErased,
)
from contracts.profile import (
    DeletionAnnounced,
    JobInterestRemoved,
    JobInterestSaved,
    KeysAccountedFor,
    ProfileCorrected,
    ProfileDeleted,
    ProfileRegistered,
)
from contracts.receipts import ErasureAttested, LastMailRequested
from contracts.rights import (
    ExportClosed,
    ExportOpened,
    InactivitySuspected,
    KeysUnconfirmed,
    ProcessingRestricted,
    RecipientMailRequested,
    StillActive,
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
    HoldPlaced,
    HoldLifted,
    DeletionAnnounced,
    LastMailRequested,
    LastMailEnded,
    ErasureAttested,
    ResidueScanRequested,
    ResidueScanned,
    RecipientRegistered,
    PersonalDataDisclosed,
    RecipientMailRequested,
    RecipientMailSent,
    ExportOpened,
    ExportClosed,
    InactivitySuspected,
    StillActive,
    KeysUnconfirmed,
    KeysAccountedFor,
    ProcessingRestricted,
)

EVENT_BY_TYPE: Final = MappingProxyType({event.type: event for event in EVENTS})
