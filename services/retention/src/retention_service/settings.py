"""Knows what the retention service is told by its environment, besides what all services are."""

from datetime import timedelta
from pathlib import Path

from chassis.settings import ServiceSettings
from pydantic import AnyHttpUrl, Field


class RetentionSettings(ServiceSettings):
    """Where the key-encryption keys are, who must answer every erasure, and how often it fences and asks again."""

    kek_dir: Path
    """The directory of the key-encryption keys, on a volume of its own; only this service may read it."""
    keyring_backup_dir: Path | None = None
    """Where backups of the keyring go: wrapped keys only. Not set, a folder beside `kek_dir`."""
    kek_custody: str = ""
    """Folders on volumes of different people, comma-separated: each gets a share of every key-encryption key, and a
    majority of them makes it. Empty: nobody can make it again."""
    rotate_every_days: float = Field(default=7.0, gt=0, le=7)
    """How old the newest key-encryption key may become: a backup of the keyring revives nobody for longer. A receipt says
    8 days, so no more than a week."""
    key_requests_per_second: int = Field(default=400, ge=1)
    """How often one service may ask the keyring, each process of it counted by each process of ours."""
    public_url: AnyHttpUrl
    """Where people and recipients reach this service: what links to receipts and acknowledgements begin with."""
    webhooks_to_private: bool = False
    """Whether recipients may be told over http, and inside private networks: for tests and the local stack only."""
    fence_interval_seconds: float = Field(default=60.0, gt=0)
    """One fence is shared by all erasures that reached that stage within it."""
    required_holders: str = Field(
        default="profile,notifications,audit-log,retention", pattern=r"^[a-z][a-z-]*(,[a-z][a-z-]*)*$"
    )
    """Holders that must answer even if they never registered: a lost registration can't shrink an erasure."""
    ask_again_seconds: float = Field(default=60.0, gt=0)
    """How long the first answer is waited for; each next wait is twice as long, up to a day."""

    erasures_per_hour: int = Field(default=1_000, ge=1)
    """So many may begin within an hour; one more stops all, until two officers release it."""
    erasures_share: float = Field(default=0.01, gt=0, le=1)
    """The same as a share of all people, whichever is less."""
    erasures_at_least: int = Field(default=10, ge=1)
    """So many may begin within an hour, however few people there are."""
    officers: str = Field(default="operator,privacy-officer", pattern=r"^[a-z][a-z-]*(,[a-z][a-z-]*)+$")
    """Names of the keys of those who may release the breaker: at least two."""

    log_url: AnyHttpUrl | None = None
    """Where the public log is asked for the proofs of receipts; without it none is handed out."""
    log_key: str = ""
    """The log's verifier key (NAME+ID+KEY), as `tillit log key` prints it."""
    witness_keys: str = ""
    """Verifier keys of witnesses, comma-separated: a proof is taken only with the signature of each."""

    @property
    def officers_known(self) -> frozenset[str]:
        return frozenset(self.officers.split(","))

    @property
    def holders_required(self) -> frozenset[str]:
        return frozenset(self.required_holders.split(","))

    @property
    def backup_dir(self) -> Path:
        return self.keyring_backup_dir or self.kek_dir.with_name("keyring-backups")

    @property
    def custody_places(self) -> list[Path]:
        return [Path(place.strip()) for place in self.kek_custody.split(",") if place.strip()]

    @property
    def rotate_every(self) -> timedelta:
        return timedelta(days=self.rotate_every_days)

    @property
    def fence_interval(self) -> timedelta:
        return timedelta(seconds=self.fence_interval_seconds)

    @property
    def ask_again_after(self) -> timedelta:
        return timedelta(seconds=self.ask_again_seconds)
