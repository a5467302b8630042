"""What may be told to the chaos tests by the environment."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class ChaosSettings(BaseSettings):
    """TILLIT_CHAOS_SEED: the seed of the short round, to have a failed one again; a random one without it."""

    model_config = SettingsConfigDict(env_prefix="TILLIT_CHAOS_")

    seed: int | None = None
