"""The size dial of the driver family: one name picks every width and depth."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Shape of a network. widths, depths: of the four stages at 1/4, 1/8, 1/16 and 1/32 of the image."""

    name: str = "vla2-nano"
    widths: tuple[int, int, int, int] = (32, 64, 128, 192)
    depths: tuple[int, int, int, int] = (1, 1, 1, 1)
    token_dim: int = 128
    dim: int = 192
    layers: int = 4
    heads: int = 6
    implicit_tokens: int = 24
    text_dim: int = 64

    def __post_init__(self) -> None:
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} is not a multiple of heads {self.heads}")


SIZES = {
    "nano": ModelConfig(),
    "small": ModelConfig("vla2-small", (48, 96, 192, 384), (2, 2, 3, 2), 192, 256, 6, 8, 32, 96),
    "base": ModelConfig("vla2-base", (64, 128, 256, 512), (3, 4, 9, 3), 256, 512, 10, 8, 48, 128),
}


def config_for(size: str) -> ModelConfig:
    """Return the configuration of a size; ValueError names the known ones."""
    if size not in SIZES:
        raise ValueError(f"size {size!r} is unknown; known are {', '.join(SIZES)}")
    return SIZES[size]


def to_json(config: ModelConfig) -> dict[str, Any]:
    """Return the configuration as plain JSON values."""
    return asdict(config)


def from_json(record: dict[str, Any]) -> ModelConfig:
    """Return the configuration of a record; ValueError names fields that are missing or unknown."""
    known = set(ModelConfig.__slots__)
    if set(record) != known:
        wrong = sorted(set(record) ^ known)
        raise ValueError(f"config.json: {', '.join(wrong)} missing or unknown; the fields are {', '.join(known)}")
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in record.items()}
    return ModelConfig(**values)
